/* Who we are is said by our name and first argument. */
#include "guest/guest.h"
#include "guest/vm_host.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	const char *name = argc ? strrchr(argv[0], '/') : NULL;
	name = name ? name + 1 : argc ? argv[0] : "";
	if (strcmp(name, "sudo") == 0)
		return sudo_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "vm") == 0)
		return vm_host_main(argc, argv);
	if (getpid() == 1)
		return access("/modules/list", F_OK) ? init_main() : vm_stage_main();
	if (argc > 1 && strcmp(argv[1], "boot") == 0)
		return boot_main();
	fprintf(stderr, "usage: haneul-guest boot\n");
	return 2;
}
