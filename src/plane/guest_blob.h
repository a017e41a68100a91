/* guest_blob: our static guest program (src/guest), as it was built into this binary. */
#ifndef HANEUL_PLANE_GUEST_BLOB_H
#define HANEUL_PLANE_GUEST_BLOB_H

extern const unsigned char guest_blob[], guest_blob_end[];

#endif
