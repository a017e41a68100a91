#include "svc/sts/sts.h"

void
sts_issuers_register(void)
{
}
