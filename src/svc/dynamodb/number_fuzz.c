/* Two texts on two lines: what is accepted as a number has one form, and sums undo themselves. */
#include "svc/dynamodb/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		__builtin_trap();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str b = str_of(data, size), a = str_cut(&b, '\n');
	uint8_t x[DDB_NUMBER_BYTES], y[DDB_NUMBER_BYTES], z[DDB_NUMBER_BYTES], w[DDB_NUMBER_BYTES];
	size_t xn, yn, zn, wn;
	char text[DDB_NUMBER_TEXT];
	if (ddb_number_parse(a, x, &xn))
		return 0;
	struct str canonical = ddb_number_text(str_of(x, xn), text);
	must(!ddb_number_parse(canonical, y, &yn) && str_eq(str_of(x, xn), str_of(y, yn)));
	ddb_number_size(str_of(x, xn));
	if (!b.p || ddb_number_parse(b, y, &yn))
		return 0;
	if (ddb_number_add(str_of(x, xn), str_of(y, yn), false, z, &zn))
		return 0;
	if (!ddb_number_add(str_of(z, zn), str_of(y, yn), true, w, &wn))
		must(str_eq(str_of(w, wn), str_of(x, xn)));
	return 0;
}
