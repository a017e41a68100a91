# Haneul. `make run` and `make test` install what is missing and need nothing else; see HACKING.md.
# Nothing here lists source files: src/**.c is the program, *_test.c the unit tests, *_fuzz.c the
# fuzzers, src/svc/<service>/*.api the descriptions from which build/gen is made.

CC       ?= gcc
CLANG    ?= clang
PREFIX   ?= /usr/local
DESTDIR  ?=
VARIANT  ?= debug
JOBS     ?= $(shell nproc)
MAKEFLAGS += --no-print-directory
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif

B        := build/$(VARIANT)
G        := build/gen
LIBS     := -lssl -lcrypto -llmdb -lisal -lexpat -lpcre2-8 -lz -lzstd -lpthread -lm
WARN     := -Wall -Wextra -Wmissing-prototypes -Wshadow -Werror -Wno-deprecated-declarations
BASE     := -std=gnu11 -D_GNU_SOURCE -Isrc -I$(G) -Itests -include src/base/banned.h $(WARN) -MMD -MP

CFLAGS_fuzz    := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -Wno-error
CFLAGS_debug   := -O0 -g
CFLAGS_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_release := -O2 -g -fno-plt -fstack-protector-strong -D_FORTIFY_SOURCE=2
LDFLAGS_debug  :=
LDFLAGS_fuzz   := -fsanitize=fuzzer,address,undefined
LDFLAGS_asan   := -fsanitize=address,undefined
LDFLAGS_release := -Wl,-z,relro,-z,now -Wl,--as-needed

SRC      := $(shell find src -name '*.c' ! -name '*_test.c' ! -name '*_fuzz.c' ! -path 'src/guest/*')
GUEST_SRC := $(shell find src/guest -name '*.c' ! -name '*_test.c' ! -name '*_fuzz.c')
TEST_SRC := $(shell find src -name '*_test.c') tests/unit_main.c
FUZZ_SRC := $(shell find src -name '*_fuzz.c')
DATA     := $(wildcard src/svc/*/managed.json)
API      := $(shell find src/svc -name '*.api')
API_SVC  := $(sort $(patsubst src/svc/%/,%,$(dir $(API))))
GEN_C    := $(foreach s,$(API_SVC),$(G)/svc/$(s)/$(s)_api.c) $(if $(API),$(G)/svc/services.c $(G)/svc/where.c) $(DATA:src/%.json=$(G)/%.c)
OBJ      := $(SRC:%.c=$(B)/%.o) $(GEN_C:$(G)/%.c=$(B)/gen/%.o) $(B)/src/plane/guest_blob.o
LIB_OBJ  := $(filter-out $(B)/src/main/main.o,$(OBJ))
# The program put into machines is linked statically; its parts are tested with the rest.
GUEST_OBJ := $(filter-out $(B)/src/guest/main.o,$(GUEST_SRC:%.c=$(B)/%.o))
FUZZERS  := $(FUZZ_SRC:%_fuzz.c=$(B)/%_fuzz)
TEST_OBJ := $(TEST_SRC:%.c=$(B)/%.o)

.PHONY: all run test test-run unit clients plays crash abuse soak bench bench-store bench-fabric tidy format fuzz release install clean gen
all: $(B)/haneul

# The generator writes only files whose content changed; the stamp says when it last ran.
$(G)/stamp: $(API) $(DATA) $(wildcard tools/api/*.py) $(filter src/svc/%,$(SRC))
	@mkdir -p $(G)/svc
	@$(if $(API),python3 tools/api/generate.py --src src --out $(G),true)
	@touch $@
$(GEN_C): $(G)/stamp ;
gen: $(G)/stamp

$(B)/%.o: %.c | $(G)/stamp
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(BASE) $(CFLAGS_$(VARIANT)) $(CFLAGS) -c $< -o $@
$(B)/gen/%.o: $(G)/%.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(BASE) $(CFLAGS_$(VARIANT)) $(CFLAGS) -c $< -o $@

build/guest/haneul-guest: $(GUEST_SRC) $(wildcard src/guest/*.h)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) -std=gnu11 -D_GNU_SOURCE -Isrc $(WARN) -Os -static -ffunction-sections -fdata-sections -Wl,--gc-sections -s $(GUEST_SRC) -o $@
$(B)/src/plane/guest_blob.o: src/plane/guest_blob.S build/guest/haneul-guest
	@mkdir -p $(@D)
	@$(CC) -DGUEST_PATH='"build/guest/haneul-guest"' -c $< -o $@

$(B)/haneul: $(OBJ)
	@echo "  LD $@"
	@$(CC) $(LDFLAGS_$(VARIANT)) $(LDFLAGS) $^ $(LIBS) -o $@
$(B)/unit: $(LIB_OBJ) $(GUEST_OBJ) $(TEST_OBJ)
	@echo "  LD $@"
	@$(CC) $(LDFLAGS_$(VARIANT)) $(LDFLAGS) $^ $(LIBS) -lcmocka -o $@

$(B)/store_bench: $(LIB_OBJ) $(B)/bench/store_bench.o
	@echo "  LD $@"
	@$(CC) $(LDFLAGS_$(VARIANT)) $(LDFLAGS) $^ $(LIBS) -o $@

# Figures of the row store alone; D is where it may write (removed first and afterwards).
D ?= build/bench-store
bench-store:
	@$(MAKE) VARIANT=release build/release/store_bench
	@rm -rf $(D) && mkdir -p $(D) && build/release/store_bench $(D)/s; rm -rf $(D)

# Figures of networks, as root.
$(B)/fabric_bench: $(LIB_OBJ) $(B)/bench/fabric_bench.o
	@echo "  LD $@"
	@$(CC) $(LDFLAGS_$(VARIANT)) $(LDFLAGS) $^ $(LIBS) -o $@
bench-fabric:
	@$(MAKE) VARIANT=release build/release/fabric_bench
	@rm -rf build/bench-fabric && mkdir -p build/bench-fabric && build/release/fabric_bench build/bench-fabric; rm -rf build/bench-fabric

release:
	@$(MAKE) VARIANT=release build/release/haneul.stripped
	@ls -l build/release/haneul.stripped
build/release/haneul.stripped: build/release/haneul
	@strip -o $@ $<

# Builds first (as whoever calls), so that `sudo make install` after `make release` only copies.
install:
	@$(MAKE) VARIANT=release build/release/haneul.stripped
	install -D -m 755 build/release/haneul.stripped $(DESTDIR)$(PREFIX)/bin/haneul
	install -D -m 644 packaging/haneul.1 $(DESTDIR)$(PREFIX)/share/man/man1/haneul.1
	install -D -m 644 packaging/haneul.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/haneul
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|g' packaging/haneul.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/haneul.service

# unit T=substring runs only the tests whose file:name contains it.
unit:
	@$(MAKE) VARIANT=asan build/asan/unit
	@build/asan/unit $(T)

# DEPS=0 skips looking for missing packages.
DEPS ?= 1
deps-%:
	@[ "$(DEPS)" = 0 ] || tools/deps.sh $*

run: deps-build
	@$(MAKE) VARIANT=release build/release/haneul
	@exec build/release/haneul start $(ARGS)

PY := $(shell [ -x tests/.venv/bin/python ] && echo tests/.venv/bin/python || echo python3)
SUITES ?= tidy unit fuzz clients plays crash abuse

# One line at the end: N passed, N failed, N skipped. T=substring: only those.
test: deps-test
	@$(MAKE) VARIANT=asan build/asan/unit build/asan/haneul
	@$(MAKE) VARIANT=release build/release/haneul
	@$(MAKE) VARIANT=fuzz CC="$(CLANG)" fuzzers
	@$(MAKE) test-run
test-run:
	@$(PY) tests/run.py $(SUITES) $(if $(T),-k $(T))
clients plays crash abuse:
	@$(MAKE) test SUITES=$@

# What .clang-format decides; needs clang-format.
format:
	@find src bench tests -path tests/.venv -prune -o -path tests/js/node_modules -prune -o -name '*.[ch]' -print | xargs clang-format -i
tidy:
	@python3 tools/tidy.py

# libFuzzer on every *_fuzz.c with its corpus in tests/corpus. What a run finds new stays in build/.
$(B)/libhaneul.a: $(LIB_OBJ) $(GUEST_OBJ)
	@echo "  AR $@"
	@rm -f $@ && ar rcsT $@ $^
$(FUZZERS): %_fuzz: %_fuzz.o $(B)/libhaneul.a
	@echo "  LD $@"
	@$(CC) $(LDFLAGS_$(VARIANT)) $(LDFLAGS) $^ $(LIBS) -o $@
.PHONY: fuzzers
.SECONDARY: $(FUZZERS:=.o)
fuzzers: $(FUZZERS)
FUZZ_SECONDS ?= 10
fuzz: deps-fuzz
	@$(MAKE) VARIANT=fuzz CC="$(CLANG)" fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) python3 tests/run.py fuzz $(if $(T),-k $(T))

# Longer kills, loads and fuzzing; about half an hour.
soak: deps-test
	@$(MAKE) DEPS=0 fuzz FUZZ_SECONDS=60
	@$(MAKE) VARIANT=release build/release/haneul
	@$(PY) tests/run.py crash abuse --soak

# Built and signed before the clock starts; see the comment in the source.
$(B)/load: $(B)/bench/load.o $(LIB_OBJ)
	@echo "  LD $@"
	@$(CC) $(LDFLAGS_$(VARIANT)) $(LDFLAGS) $^ $(LIBS) -o $@
$(B)/queue: $(B)/bench/queue.o $(LIB_OBJ)
	@echo "  LD $@"
	@$(CC) $(LDFLAGS_$(VARIANT)) $(LDFLAGS) $^ $(LIBS) -o $@
$(B)/authorize: $(B)/bench/authorize.o $(LIB_OBJ)
	@echo "  LD $@"
	@$(CC) $(LDFLAGS_$(VARIANT)) $(LDFLAGS) $^ $(LIBS) -o $@
bench: deps-bench
	@$(MAKE) VARIANT=release build/release/haneul build/release/load build/release/queue build/release/authorize
	@python3 bench/run.py $(ARGS)

clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
