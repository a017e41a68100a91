#include "base/text.h"
#include "svc/sts/saml.h"
#include "svc/sts/saml_c14n.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Metadata and a response (as XML), parted by the first NUL. The canonical form of a canonical form
 * is itself. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	struct saml_provider p;
	struct saml s;
	struct c14n how = { 0 };
	struct buf one = { 0 }, two = { 0 };
	struct str response = str_of(data, size), metadata = str_cut(&response, '\0');
	arena_init(&a);
	saml_provider_open(&a, metadata, &p);
	if (response.p) {
		saml_open(&a, base64_text(&a, response), &p, 1700000000000, &s);
		const struct xml *x = xml_parse(&a, response, 32, NULL);
		if (x && xml_canonical(&a, x, &how, &one)) {
			x = xml_parse(&a, buf_str(&one), 32, NULL);
			if (x && (!xml_canonical(&a, x, &how, &two) ||
					 !str_eq(buf_str(&one), buf_str(&two))))
				__builtin_trap();
		}
	}
	saml_provider_close(&p);
	buf_done(&one);
	buf_done(&two);
	arena_done(&a);
	return 0;
}
