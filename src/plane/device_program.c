/* The program, instruction by instruction; see device_program.h. */
#include "plane/device_program.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EACH 5 /* instructions of one rule, at the most */
#define PROGRAM_MAX (EACH * DEVICE_RULES_MAX + 8)

struct program {
	struct bpf_insn all[PROGRAM_MAX];
	unsigned n;
};

enum { TYPE = BPF_REG_2, MAJOR = BPF_REG_3, MINOR = BPF_REG_4 };

static void
add(struct program *p, uint8_t code, uint8_t dst, int16_t off, int32_t imm)
{
	assert(p->n < PROGRAM_MAX);
	p->all[p->n++] = (struct bpf_insn){ .code = code, .dst_reg = dst, .off = off, .imm = imm };
}

static void
load(struct program *p, uint8_t dst, size_t offset)
{
	add(p, BPF_LDX | BPF_MEM | BPF_W, dst, (int16_t)offset, 0);
	p->all[p->n - 1].src_reg = BPF_REG_1;
}

static void
answer(struct program *p, int32_t value)
{
	add(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, value);
	add(p, BPF_JMP | BPF_EXIT, 0, 0, 0);
}

static void
add_rule(struct program *p, const struct device_rule *r)
{
	const uint8_t differs = BPF_JMP | BPF_JNE | BPF_K;
	int16_t rest = r->minor < 0 ? 3 : 4; /* to the next rule */
	add(p, differs, TYPE, rest, r->block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	add(p, differs, MAJOR, (int16_t)(rest - 1), r->major);
	if (r->minor >= 0)
		add(p, differs, MINOR, 2, r->minor);
	answer(p, 1);
}

static int
load_program(const struct program *p)
{
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = p->n,
		.insns = (uintptr_t)p->all,
		.license = (uintptr_t) "Apache-2.0",
		.prog_name = "haneul_devices" };
	int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));
	return fd < 0 ? -errno : fd;
}

int
device_program_attach(const char *group_dir, const struct device_rule *rules, unsigned n)
{
	static struct program p;
	p.n = 0;
	if (n > DEVICE_RULES_MAX)
		return -E2BIG;
	/* The access that is asked for is of no interest: what may be opened may be written. */
	load(&p, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	add(&p, BPF_ALU | BPF_AND | BPF_K, TYPE, 0, 0xffff);
	load(&p, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	load(&p, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	for (unsigned i = 0; i < n; i++)
		add_rule(&p, &rules[i]);
	answer(&p, 0);
	int group = open(group_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group < 0)
		return -errno;
	int program = load_program(&p), r = program < 0 ? program : 0;
	union bpf_attr a = { .target_fd = (uint32_t)group,
		.attach_bpf_fd = (uint32_t)program,
		.attach_type = BPF_CGROUP_DEVICE };
	if (!r && syscall(SYS_bpf, BPF_PROG_ATTACH, &a, sizeof(a)))
		r = -errno;
	if (program >= 0)
		close(program);
	close(group);
	return r;
}
