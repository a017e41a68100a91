/* port_holder: who listens on a TCP port of this machine, as far as /proc lets us see. */
#ifndef HANEUL_MAIN_PORT_HOLDER_H
#define HANEUL_MAIN_PORT_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* false: nobody, or it may not be seen. name: the program's, cut to cap. */
bool port_holder(uint16_t port, int *ret_pid, char *ret_name, size_t cap);

#endif
