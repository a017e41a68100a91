/* What #cloud-config asks for. */
#include "guest/guest.h"

void
cloud_config_run(const char *text, size_t len)
{
	(void)text, (void)len;
	guest_say("haneul: #cloud-config is not read yet");
}
