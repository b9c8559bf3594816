/* SPDX-License-Identifier: Apache-2.0 */
/* Target lines: facts, canonical form, and errors with near names. */
#include "test.h"

#include "base/cpu.h"
#include "base/text.h"
#include "machine/machine.h"
#include "machine/table.h"

static struct arena *arena;
static struct adze_error error;

static int set_up(void **state) {
  (void)state;
  arena = arena_create("test");
  return arena == NULL;
}

static int tear_down(void **state) {
  (void)state;
  arena_destroy(arena);
  return 0;
}

static struct machine parse(const char *line) {
  struct machine machine;
  assert_ok(machine_parse(arena, line, &machine, &error), error);
  return machine;
}

static bool needs(const struct machine *machine, const char *feature) {
  for (size_t i = 0; i < machine->feature_count; i++)
    if (strcmp(machine->features[i], feature) == 0)
      return true;
  return false;
}

static void facts_follow_the_cpu(void **state) {
  (void)state;
  struct machine m = parse("llvm -mcpu=znver4");
  assert_string_equal(m.kind, "llvm");
  assert_string_equal(m.architecture, "x86_64");
  assert_string_equal(m.cpu, "znver4");
  assert_int_equal(m.elf_machine, 62);
  assert_int_equal(m.vector_bits, 512);
  assert_int_equal(m.vector_registers, 32);
  assert_true(m.has_fma && m.has_broadcast_operand && !m.has_indexed_fma);
  assert_true(m.fma_per_cycle == 1);
  assert_true(needs(&m, "avx512bf16") && needs(&m, "sse4.2"));
  assert_string_equal(m.target_line,
                      "llvm -mtriple=x86_64-pc-linux-gnu -mcpu=znver4");

  m = parse("llvm -mcpu=haswell");
  assert_int_equal(m.vector_bits, 256);
  assert_int_equal(m.vector_registers, 16);
  assert_true(m.fma_per_cycle == 2 && m.has_fma);
  assert_false(needs(&m, "avx512f"));

  m = parse("llvm -mcpu=x86-64");
  assert_int_equal(m.vector_bits, 128);
  assert_false(m.has_fma);
  assert_int_equal(m.feature_count, 0);

  m = parse("llvm -mtriple=aarch64-linux-gnu -mcpu=cortex-a72");
  assert_int_equal(m.elf_machine, 183);
  assert_int_equal(m.vector_bits, 128);
  assert_true(m.has_fma && m.has_indexed_fma);
  assert_true(needs(&m, "neon") && !needs(&m, "dotprod"));
}

static void attributes_carry_what_follows(void **state) {
  (void)state;
  struct machine m = parse("llvm -mcpu=znver4 -mattr=-avx512f");
  assert_int_equal(m.vector_bits, 256);
  assert_false(needs(&m, "avx512bw") || needs(&m, "avx512vnni"));
  assert_true(needs(&m, "avx2"));
  assert_true(m.fma_per_cycle == 2);
  assert_non_null(strstr(m.attributes, "-avx512f"));
  /* The canonical line means the same machine. */
  struct machine again = parse(m.target_line);
  assert_string_equal(again.target_line, m.target_line);
  assert_int_equal(again.feature_count, m.feature_count);

  m = parse("llvm -mcpu=x86-64 -mattr=+avx2,+fma");
  assert_int_equal(m.vector_bits, 256);
  assert_true(m.has_fma && needs(&m, "sse4.1") && !needs(&m, "bmi"));
  m = parse("llvm -mcpu=haswell -mattr=-avx");
  assert_false(m.has_fma);
  assert_int_equal(m.vector_bits, 128);
  m = parse("llvm -mcpu=haswell -mattr=-avx2,+avx2");
  assert_int_equal(m.vector_bits, 256);

  const char *all = machine_llvm_features(arena, &m);
  assert_non_null(strstr(all, "+avx2"));
  assert_non_null(strstr(all, "-avx512f"));
}

static void names_of_machines_are_short(void **state) {
  (void)state;
  for (size_t i = 0; i < named_machine_count; i++) {
    struct machine m = parse(named_machine_table[i].name);
    struct machine line = parse(named_machine_table[i].target_line);
    assert_string_equal(m.target_line, line.target_line);
  }
  struct machine m = parse("rpi4");
  assert_string_equal(m.cpu, "cortex-a72");
  assert_int_equal(m.cores, 4);
  assert_string_equal(
      m.target_line,
      "llvm -mtriple=aarch64-linux-gnu -mcpu=cortex-a72 -num-cores=4");
  /* A CPU alone says its architecture. */
  m = parse("llvm -mcpu=neoverse-n1");
  assert_string_equal(m.triple, "aarch64-linux-gnu");
}

static void the_default_is_this_machine(void **state) {
  (void)state;
  struct machine m = parse(NULL);
  assert_true(m.is_host);
  assert_string_equal(parse("llvm").target_line, m.target_line);
  assert_string_equal(parse("llvm -mcpu=native").target_line, m.target_line);
  assert_int_equal(m.elf_machine, cpu_elf_machine());
  for (size_t i = 0; i < m.feature_count; i++)
    assert_true(cpu_has_feature(m.features[i]));
  assert_true(m.cores >= 1 && m.l1_bytes >= 4096 && m.l2_bytes >= 65536);
  /* Every feature that code may need is one that loaders can look for. */
  enum architecture architecture;
  if (architecture_of_host(&architecture))
    for (size_t i = 0; i < feature_counts[architecture]; i++)
      assert_true(cpu_knows_feature(feature_tables[architecture][i].name));
  struct text text = {.arena = arena};
  machine_describe_host(&text);
  assert_non_null(strstr(text_string(&text), m.target_line));
}

static void c_is_portable(void **state) {
  (void)state;
  struct machine m = parse("c");
  assert_string_equal(m.kind, "c");
  assert_string_equal(m.target_line, "c");
  assert_true(m.is_host && !m.has_fma);
  assert_int_equal(m.feature_count, 0);
}

static void wrong_words_are_named(void **state) {
  (void)state;
  static const struct {
    const char *line, *message;
  } wrong[] = {
      {"lvm", "no target or machine \"lvm\"; did you mean llvm"},
      {"rpi44", "did you mean rpi4"},
      {"cuda", "; there are llvm, c, rpi3, rpi4"},
      {"llvm -mcpu=znver44", "no CPU \"znver44\"; did you mean znver4"},
      {"llvm -mcpu=cortex_a72", "cortex-a72"},
      {"llvm -mtriple=x86_64-linux-gnu -mcpu=cortex-a72",
       "no x86-64 CPU \"cortex-a72\""},
      {"llvm -mcpu=", "-mcpu needs a value"},
      {"llvm -mcpu", "-mcpu needs a value"},
      {"llvm -mcup=znver4", "no option \"-mcup=znver4\""},
      {"llvm -mcpu=znver4 -mattr=+avx512", "no CPU feature \"avx512\""},
      {"llvm -mcpu=znver4 -mattr=avx2", "no + or - in front"},
      {"llvm -mcpu=cortex-a72 -mattr=+avx2", "no CPU feature \"avx2\""},
      {"llvm -mtriple=mips-linux-gnu", "not \"mips\""},
      {"llvm -mtriple=x86_64-apple-darwin", "system in -mtriple"},
      {"llvm -mtriple=x86_64-linux-gnu;rm", "system in -mtriple"},
      {"llvm -num-cores=0", "from 1 to 1024"},
      {"llvm -num-cores=many", "from 1 to 1024"},
      {"c -mcpu=znver4", "takes no options"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
    struct machine machine;
    assert_fails(machine_parse(arena, wrong[i].line, &machine, &error), error,
                 ADZE_INVALID_ARGUMENT, wrong[i].message);
  }
}

static void tables_are_sound(void **state) {
  (void)state;
  for (size_t i = 0; i < cpu_table_count; i++) {
    const struct cpu_row *row = &cpu_table[i];
    (void)cpu_features(row); /* every name in it exists */
    assert_ptr_equal(cpu_find_for(row->architecture, row->name), row);
    assert_true(row->fma_pipes > 0 && row->loads > 0 && row->l1_kib > 0);
  }
  for (int a = 0; a < ARCHITECTURE_COUNT; a++)
    for (size_t i = 0; i < feature_counts[a]; i++) {
      enum architecture architecture = (enum architecture)a;
      feature_set set = feature_enable(architecture, 0, (int)i);
      feature_set all = ((feature_set)1 << feature_counts[a]) - 1;
      assert_true((set & ~all) == 0);
      /* Without the feature, nothing that implies it is left. */
      set = feature_disable(architecture, all, (int)i);
      for (size_t k = 0; k < feature_counts[a]; k++)
        if (((set >> k) & 1) != 0)
          assert_true((feature_enable(architecture, 0, (int)k) & ~set) == 0);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(facts_follow_the_cpu, set_up, tear_down),
      cmocka_unit_test_setup_teardown(attributes_carry_what_follows, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(names_of_machines_are_short, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(the_default_is_this_machine, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(c_is_portable, set_up, tear_down),
      cmocka_unit_test_setup_teardown(wrong_words_are_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tables_are_sound, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
