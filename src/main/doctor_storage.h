/* doctor --storage: how the zones' directories are; of a running cloud by its page, else by reading
 * them. */
#ifndef HANEUL_MAIN_DOCTOR_STORAGE_H
#define HANEUL_MAIN_DOCTOR_STORAGE_H

int doctor_storage(int argc, char **argv); /* an exit status */

#endif
