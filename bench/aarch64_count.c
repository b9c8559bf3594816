/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for qemu-aarch64 that counts what a program executes: instructions,
 * vector multiply-adds of floats, and loads and stores that go through the
 * stack pointer with vectors. For bench/aarch64.sh.
 *
 * QEMU's plugin interface is used by name, since its header is seldom
 * installed; what is declared here has been the same since QEMU 4.2.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { INLINE_ADD_U64 = 0 };

extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
extern void qemu_plugin_register_vcpu_insn_exec_inline(
    struct qemu_plugin_insn *insn, int operation, void *counter, uint64_t step);
extern void qemu_plugin_register_vcpu_tb_trans_cb(
    plugin_id id, void (*translated)(plugin_id, struct qemu_plugin_tb *));
extern void qemu_plugin_register_atexit_cb(plugin_id id,
                                           void (*end)(plugin_id, void *),
                                           void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static uint64_t instructions, multiply_adds, spills;

/* FMLA and FMLS of four floats, by element or by vector. */
static int is_multiply_add(uint32_t code) {
  return (code & 0xffc0b400) == 0x4f801000 || (code & 0xff60fc00) == 0x4e20cc00;
}

/* LDR, STR, LDP, STP of q registers with the stack pointer as the base. */
static int is_spill(uint32_t code) {
  int single = (code & 0xffa00000) == 0x3d800000;
  int pair = (code & 0xfe000000) == 0xac000000;
  return (single || pair) && (code >> 5 & 31) == 31;
}

static void translated(plugin_id id, struct qemu_plugin_tb *block) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
    uint32_t code;
    memcpy(&code, qemu_plugin_insn_data(insn), sizeof code);
    qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64,
                                               &instructions, 1);
    if (is_multiply_add(code))
      qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64,
                                                 &multiply_adds, 1);
    if (is_spill(code))
      qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &spills,
                                                 1);
  }
}

static void end(plugin_id id, void *data) {
  (void)id, (void)data;
  fprintf(stderr, "%llu %llu %llu\n", (unsigned long long)instructions,
          (unsigned long long)multiply_adds, (unsigned long long)spills);
}

__attribute__((visibility("default"))) int
qemu_plugin_install(plugin_id id, const void *info, int count, char **words) {
  (void)info, (void)count, (void)words;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, end, NULL);
  return 0;
}
