/* Manifests of images. */
#include "plane/image_oci.h"

#include "base/json.h"
#include "plane/place.h"

#include <errno.h>
#include <stdio.h>

static bool
safe_path(struct str p)
{
	if (!p.len || p.len > 200 || p.p[0] == '/')
		return false;
	for (struct str rest = p; rest.p;) {
		struct str part = str_cut(&rest, '/');
		if (!part.len || str_is(part, "..") || str_is(part, "."))
			return false;
	}
	return !memchr(p.p, 0, p.len);
}

/* "sha256:<64 hexadecimal digits>" */
static bool
digest_path(struct str digest, struct arena *a, struct str *ret)
{
	struct str hex = digest, algorithm = str_cut(&hex, ':');
	if (!hex.p || !str_is(algorithm, "sha256") || hex.len != 64)
		return false;
	for (size_t i = 0; i < hex.len; i++)
		if (!strchr("0123456789abcdef", hex.p[i]) || !hex.p[i])
			return false;
	*ret = arena_printf(a, "blobs/sha256/%.*s", STR_FMT(hex));
	return true;
}

bool
oci_docker_manifest(struct str text, struct arena *a, struct oci_layers *ret)
{
	const struct json *layers =
		json_get_lit(json_at(json_parse(a, text, 0, NULL), 0), "Layers");
	ret->n = 0;
	for (uint32_t i = 0; layers && i < layers->n; i++) {
		struct str path = json_text(json_at(layers, i));
		if (!safe_path(path) || ret->n == OCI_LAYERS_MAX)
			return false;
		ret->paths[ret->n++] = arena_dup(a, path);
	}
	return ret->n > 0;
}

static bool
for_us(const struct json *manifest)
{
	const struct json *platform = json_get_lit(manifest, "platform");
	struct str arch = json_get_text(platform, STR("architecture"));
	return !platform || !arch.len || str_is(arch, "amd64");
}

bool
oci_index_digest(struct str text, struct arena *a, struct str *ret_digest, bool *ret_is_index)
{
	const struct json *all = json_get_lit(json_parse(a, text, 0, NULL), "manifests");
	for (uint32_t i = 0; all && i < all->n; i++) {
		const struct json *m = json_at(all, i);
		struct str type = json_get_text(m, STR("mediaType"));
		if (!for_us(m) || !digest_path(json_get_text(m, STR("digest")), a, ret_digest))
			continue;
		*ret_is_index = str_find_str(type, STR("index")) >= 0 ||
				str_find_str(type, STR("manifest.list")) >= 0;
		return true;
	}
	return false;
}

bool
oci_manifest(struct str text, struct arena *a, struct oci_layers *ret)
{
	const struct json *layers = json_get_lit(json_parse(a, text, 0, NULL), "layers");
	ret->n = 0;
	for (uint32_t i = 0; layers && i < layers->n; i++)
		if (ret->n == OCI_LAYERS_MAX ||
			!digest_path(json_get_text(json_at(layers, i), STR("digest")), a,
				&ret->paths[ret->n++]))
			return false;
	return ret->n > 0;
}

static bool
read_in(const char *dir, struct str path, struct buf *ret)
{
	char full[PLACE_MAX];
	snprintf(full, sizeof(full), "%.900s/%.*s", dir, STR_FMT(path));
	buf_clear(ret);
	return place_read(full, ret) == 0;
}

int
image_oci_layers(const char *dir, struct arena *a, struct oci_layers *ret, struct job_result *r)
{
	struct buf b = { 0 };
	struct str digest;
	bool is_index = true, found = false;
	if (read_in(dir, STR("index.json"), &b)) {
		/* An index may name another one; no deeper than people make them. */
		for (unsigned depth = 0; depth < 4 && is_index; depth++)
			if (!oci_index_digest(arena_dup(a, buf_str(&b)), a, &digest, &is_index) ||
				!read_in(dir, digest, &b))
				break;
		found = !is_index && oci_manifest(arena_dup(a, buf_str(&b)), a, ret);
	}
	if (!found && read_in(dir, STR("manifest.json"), &b))
		found = oci_docker_manifest(arena_dup(a, buf_str(&b)), a, ret);
	buf_done(&b);
	if (!found)
		job_fail(r, -EBADMSG,
			"This is neither what docker save writes nor an OCI layout with an image for amd64.");
	return r->status;
}
