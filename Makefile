# digestd. `make run` and `make check` are all that a visitor needs; `make help` lists the rest.

VERSION = 0.1.0

CC         ?= cc
PKG_CONFIG ?= pkg-config
INSTALL    ?= install
CFLAGS     ?= -O2 -g

prefix               ?= /usr/local
bindir               ?= $(prefix)/bin
mandir               ?= $(prefix)/share/man
datadir              ?= $(prefix)/share/digestd
sysconfdir           ?= /etc
systemdsystemunitdir ?= /lib/systemd/system

# A flavour is a way to build: its objects have a folder of their own, so that they never mix.
# SANITIZER=address,undefined or SANITIZER=thread make one; FLAVOUR=name with CFLAGS any other.
comma     := ,
SANITIZER ?=
FLAVOUR   ?= $(subst $(comma),-,$(SANITIZER))
B         := build$(if $(FLAVOUR),/$(FLAVOUR))

WARNINGS  = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            $(if $(WERROR),-Werror)
HARDENING = -fstack-protector-strong -fPIE $(if $(SANITIZER),,-D_FORTIFY_SOURCE=2)
SANITIZE  = $(if $(SANITIZER),-fsanitize=$(SANITIZER) -fno-omit-frame-pointer \
            -fno-sanitize-recover=all)

LIBS = libcurl libxml-2.0 sqlite3 libpcre2-8 jansson uuid zlib libbrotlienc libbrotlidec libzstd libxxhash uchardet \
       md4c-html libutf8proc

# Asked for at the first use, which comes after `make deps`.
lib_cflags = $(eval lib_cflags := $$(shell $(PKG_CONFIG) --cflags $(LIBS)))$(lib_cflags)
lib_ldlibs = $(eval lib_ldlibs := $$(shell $(PKG_CONFIG) --libs $(LIBS)))$(lib_ldlibs)
test_ldlibs = -lcmocka -lssl -lcrypto -lm

all_cflags  = -std=c11 -D_GNU_SOURCE -DDIGESTD_VERSION='"$(VERSION)"' -Iinclude $(lib_cflags) \
              $(WARNINGS) $(HARDENING) $(SANITIZE) $(CPPFLAGS) $(CFLAGS)
all_ldflags = -pie -Wl,-z,relro,-z,now $(SANITIZE) $(CFLAGS) $(LDFLAGS)
all_ldlibs  = $(lib_ldlibs) -lev -lpthread $(LDLIBS)

SOURCES := $(sort $(wildcard daemon/*/*.c))
OBJECTS := $(SOURCES:%.c=$(B)/%.o)

.PHONY: all
all: $(B)/digestd

# The sample page and the real blog, in the foreground. Everything stays in this folder.
.PHONY: run
run: $(B)/digestd
	@echo
	@echo "  The feeds are at  http://127.0.0.1:8780/   (Ctrl-C ends it)"
	@echo "  Edit              conf/demo.html           and a moment later they follow."
	@echo
	@$(B)/digestd run -c conf/demo.conf

# The flags stand in a file that changes only when they do: then everything is built anew.
flags_now = $(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(SANITIZER) $(WERROR) $(VERSION)
$(B)/flags: FORCE
	@mkdir -p $(@D); echo '$(flags_now)' | cmp -s - $@ || echo '$(flags_now)' > $@
FORCE:

$(B)/%.o: %.c $(B)/flags | deps
	@mkdir -p $(@D)
	$(CC) $(all_cflags) -MMD -MP -c -o $@ $<

$(B)/digestd: $(OBJECTS)
	$(CC) $(all_ldflags) -o $@ $^ $(all_ldlibs)

# ---- tests -------------------------------------------------------------------------------------

# A unit test is tests/unit/ROOM_topic.c; it is linked with that room, the rooms it may know, and
# nothing else.
knows_base    = base
knows_profile = base profile
knows_conf    = base profile conf
knows_proc    = base proc
knows_fetch   = base profile conf proc fetch
knows_digest  = base profile digest
knows_store   = base store
knows_feed    = base feed
knows_site    = base feed site
knows_http    = base feed site http
knows_service = base profile conf service
knows_engine  = base profile conf proc fetch digest store feed site engine

rooms_of     = $(knows_$(firstword $(subst _, ,$(1))))
objects_of   = $(foreach room,$(call rooms_of,$(1)),$(patsubst %.c,$(B)/%.o,$(wildcard daemon/$(room)/*.c)))
HARNESS_O   := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/lib/*.c)))
HARNESS     := $(B)/tests/harness.a
UNIT_TESTS  := $(patsubst tests/unit/%.c,$(B)/unit/%,$(sort $(wildcard tests/unit/*.c)))
E2E_TESTS   := $(patsubst tests/e2e/%.c,$(B)/e2e/%,$(sort $(wildcard tests/e2e/*.c)))

# An archive: a test takes of the harness what it uses.
$(HARNESS): $(HARNESS_O)
	@rm -f $@
	ar rcs $@ $^

.SECONDEXPANSION:
$(B)/unit/%: $(B)/tests/unit/%.o $$(call objects_of,$$*) $(HARNESS)
	@mkdir -p $(@D)
	$(CC) $(all_ldflags) -o $@ $^ $(all_ldlibs) $(test_ldlibs)

$(B)/e2e/%: $(B)/tests/e2e/%.o $(HARNESS) $(patsubst %.c,$(B)/%.o,$(wildcard daemon/base/*.c))
	@mkdir -p $(@D)
	$(CC) $(all_ldflags) -o $@ $^ $(all_ldlibs) $(test_ldlibs)

# A digestd whose disk fills or breaks when a test says so.
FAILING_O := $(B)/tests/failing/install.o $(B)/tests/lib/fail_vfs.o
$(B)/tests/digestd-failing: $(OBJECTS) $(FAILING_O)
	$(CC) $(all_ldflags) -o $@ $^ $(all_ldlibs)
$(B)/e2e/disk: | $(B)/tests/digestd-failing

.PHONY: tests
tests: $(UNIT_TESTS) $(E2E_TESTS)

# One room's unit tests while working on it: make unit-store
unit-%: FORCE
	@$(MAKE) --no-print-directory $(filter $(B)/unit/$*_%,$(UNIT_TESTS))
	@for t in $(filter $(B)/unit/$*_%,$(UNIT_TESTS)); do $$t || exit 1; done

# ---- the tests that a change has to pass -------------------------------------------------------

.PHONY: check
check:
	@.ci/deps check
	@$(MAKE) --no-print-directory WERROR=1 $(B)/digestd tests
	@DIGESTD=$(B)/digestd tests/run $(E2E_TESTS) $(UNIT_TESTS) tests/systemd.sh tests/install.sh
	@$(MAKE) --no-print-directory WERROR=1 check-layers

.PHONY: check-layers
check-layers: $(B)/digestd
	@tests/layers.sh $(B)

# What takes longer: the same tests under the sanitizers of memory and undefined behaviour, what has
# threads under that of threads, and the unit tests under valgrind.
THREADED = $(B)/e2e/restart $(B)/e2e/asked $(B)/e2e/bad_input $(filter $(B)/unit/http_% $(B)/unit/base_mailbox,$(UNIT_TESTS))
.PHONY: check-deep check-threads check-leaks
check-deep:
	@$(MAKE) --no-print-directory SANITIZER=address,undefined check
	@$(MAKE) --no-print-directory SANITIZER=thread check-threads
	@$(MAKE) --no-print-directory check-leaks

check-threads:
	@.ci/deps check
	@$(MAKE) --no-print-directory WERROR=1 $(B)/digestd $(THREADED)
	@DIGESTD=$(B)/digestd tests/run $(THREADED)

check-leaks:
	@.ci/deps check
	@$(MAKE) --no-print-directory WERROR=1 $(UNIT_TESTS)
	@tests/run --valgrind $(UNIT_TESTS)

# ---- tests against software that others wrote ---------------------------------------------------

.PHONY: check-peers
check-peers: $(B)/digestd $(B)/unit/http_conformance
	@.ci/deps peers
	@DIGESTD=$(abspath $(B)/digestd) tests/peers/run

# ---- figures -----------------------------------------------------------------------------------

BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(sort $(wildcard tests/bench/*.c)))
BENCH_O := $(foreach room,base profile conf digest,$(patsubst %.c,$(B)/%.o,$(wildcard daemon/$(room)/*.c)))

$(B)/bench/%: $(B)/tests/bench/%.o $(HARNESS) $(BENCH_O)
	@mkdir -p $(@D)
	$(CC) $(all_ldflags) -o $@ $^ $(all_ldlibs) -lm

.PHONY: bench
bench: $(BENCHES) $(B)/digestd
	@.ci/deps bench
	@for b in $(BENCHES); do DIGESTD=$(B)/digestd DIGESTD_PROFILE_DIR=conf/profiles $$b || exit 1; done

# ---- installing --------------------------------------------------------------------------------

configdir = $(sysconfdir)/digestd
PROFILES := $(notdir $(sort $(wildcard conf/profiles/*.conf)))
UNITS    := $(notdir $(sort $(wildcard systemd/*)))
# The paths of this installation in the places of the usual ones.
unit_paths = sed -e 's|/usr/local/bin/|$(bindir)/|' -e 's|/etc/digestd|$(configdir)|'
conf_paths = sed -e 's|/etc/digestd|$(configdir)|' \
             $(if $(filter /etc,$(sysconfdir)),,-e 's|^#profile-dir|profile-dir|')

# A conf file that is there stays as it is; profiles belong to the program and are replaced.
.PHONY: install
install: $(B)/digestd
	$(INSTALL) -d $(addprefix $(DESTDIR),$(bindir) $(mandir)/man1 $(mandir)/man5 \
	  $(configdir)/profiles $(systemdsystemunitdir))
	$(INSTALL) -m 755 $(B)/digestd $(DESTDIR)$(bindir)/digestd
	$(INSTALL) -m 644 man/digestd.1 $(DESTDIR)$(mandir)/man1/digestd.1
	$(INSTALL) -m 644 man/digestd.conf.5 $(DESTDIR)$(mandir)/man5/digestd.conf.5
	$(INSTALL) -m 644 $(PROFILES:%=conf/profiles/%) $(DESTDIR)$(configdir)/profiles/
	test -e $(DESTDIR)$(configdir)/digestd.conf || \
	  $(conf_paths) conf/digestd.conf > $(DESTDIR)$(configdir)/digestd.conf
	for unit in $(UNITS); do \
	  $(unit_paths) systemd/$$unit > $(DESTDIR)$(systemdsystemunitdir)/$$unit || exit 1; \
	done

# A conf file that was edited stays, and so does the state.
.PHONY: uninstall
uninstall:
	rm -f $(addprefix $(DESTDIR),$(bindir)/digestd $(mandir)/man1/digestd.1 \
	  $(mandir)/man5/digestd.conf.5 $(PROFILES:%=$(configdir)/profiles/%) \
	  $(UNITS:%=$(systemdsystemunitdir)/%))
	! $(conf_paths) conf/digestd.conf | cmp -s - $(DESTDIR)$(configdir)/digestd.conf || \
	  rm $(DESTDIR)$(configdir)/digestd.conf
	-rmdir $(DESTDIR)$(configdir)/profiles $(DESTDIR)$(configdir) 2>/dev/null || true

# ---- what has to be there ----------------------------------------------------------------------

.PHONY: deps
deps:
	@.ci/deps build

.PHONY: help
help:
	@echo "make              build/digestd"
	@echo "make run          the sample page and a real blog, in the foreground"
	@echo "make check        the tests"
	@echo "make check-deep   the tests again, under sanitizers and valgrind"
	@echo "make check-peers  against feed readers, a browser and validators that others wrote"
	@echo "make bench        figures"
	@echo "make install, uninstall   honour DESTDIR, prefix, sysconfdir, systemdsystemunitdir"
	@echo "make clean"

.PHONY: clean
clean:
	rm -rf build

-include $(OBJECTS:.o=.d) $(HARNESS_O:.o=.d) $(FAILING_O:.o=.d) $(UNIT_TESTS:$(B)/unit/%=$(B)/tests/unit/%.d) \
  $(E2E_TESTS:$(B)/e2e/%=$(B)/tests/e2e/%.d)
.SECONDARY:
