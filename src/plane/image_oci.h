/*
 * image_oci: what `docker save` writes, and layouts of OCI, once they are unpacked into a folder:
 * which files are the layers, from the lowest to the topmost.
 */
#ifndef HANEUL_PLANE_IMAGE_OCI_H
#define HANEUL_PLANE_IMAGE_OCI_H

#include "base/arena.h"
#include "plane/job.h"

#define OCI_LAYERS_MAX 128

struct oci_layers {
	struct str paths[OCI_LAYERS_MAX]; /* in the folder, without "..". In the arena */
	unsigned n;
};
/* 0 or -errno with a reason. */
int image_oci_layers(
	const char *dir, struct arena *a, struct oci_layers *ret, struct job_result *r);
/* The text of manifest.json (docker save). false: it is not one. */
bool oci_docker_manifest(struct str text, struct arena *a, struct oci_layers *ret);
/* index.json or an index: the digest of the first image for this machine. */
bool oci_index_digest(struct str text, struct arena *a, struct str *ret_digest, bool *ret_is_index);
bool oci_manifest(struct str text, struct arena *a, struct oci_layers *ret);

#endif
