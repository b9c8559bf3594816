/* SPDX-License-Identifier: Apache-2.0 */
/* The table against what Linux says of the same CPU in /proc/cpuinfo. */
#include "test.h"

#include "base/cpu.h"

static void rows_are_distinct_and_findable(void **state) {
  (void)state;
  for (size_t i = 0; i < cpu_feature_count(); i++) {
    const char *name = cpu_feature_name(i);
    assert_true(*name);
    assert_true(cpu_knows_feature(name));
    assert_int_equal(cpu_has_feature(name), cpu_feature_present(i));
    for (size_t j = 0; j < i; j++)
      assert_string_not_equal(name, cpu_feature_name(j));
  }
  assert_false(cpu_knows_feature(""));
  assert_false(cpu_has_feature("teleport"));
}

static void machine_has_a_name(void **state) {
  (void)state;
  if (cpu_elf_machine() == 0)
    test_skip("a machine that adze has no name for");
  assert_non_null(cpu_elf_machine_name(cpu_elf_machine()));
  assert_string_equal(cpu_elf_machine_name(183), "AArch64");
  assert_null(cpu_elf_machine_name(9999));
}

/* Names that LLVM and Linux spell alike or nearly so. */
static void agrees_with_the_kernel(void **state) {
  (void)state;
  static const struct {
    uint32_t machine;
    const char *ours, *theirs;
  } names[] = {
      {62, "sse2", "sse2"},
      {62, "sse4.2", "sse4_2"},
      {62, "avx", "avx"},
      {62, "avx2", "avx2"},
      {62, "fma", "fma"},
      {62, "f16c", "f16c"},
      {62, "bmi2", "bmi2"},
      {62, "avx512f", "avx512f"},
      {62, "avx512vl", "avx512vl"},
      {62, "avx512bf16", "avx512_bf16"},
      {62, "avx512vnni", "avx512_vnni"},
      {62, "avxvnni", "avx_vnni"},
      {62, "avx512fp16", "avx512_fp16"},
      {62, "lzcnt", "abm"},
      {62, "sse4a", "sse4a"},
      {62, "64bit", "lm"},
      {183, "neon", "asimd"},
      {183, "fullfp16", "asimdhp"},
      {183, "dotprod", "asimddp"},
      {183, "sve", "sve"},
      {183, "bf16", "bf16"},
      {183, "i8mm", "i8mm"},
      {183, "lse", "atomics"},
      {183, "crc", "crc32"},
  };
  FILE *file = fopen("/proc/cpuinfo", "r");
  char line[8192];
  bool found = false;
  /* Under emulation the file may be about the host: its key differs then. */
  const char *key = cpu_elf_machine() == 183 ? "Features" : "flags";
  while (file && !found && fgets(line, sizeof line, file))
    found = strncmp(line, key, strlen(key)) == 0;
  if (file)
    fclose(file);
  if (!found)
    test_skip("/proc/cpuinfo lists no features");
  line[strcspn(line, "\n")] = ' ';
  for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
    char word[64];
    snprintf(word, sizeof word, " %s ", names[i].theirs);
    if (names[i].machine == cpu_elf_machine() &&
        cpu_has_feature(names[i].ours) != (strstr(line, word) != NULL))
      fail_msg("%s: /proc/cpuinfo says otherwise", names[i].ours);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_distinct_and_findable),
      cmocka_unit_test(machine_has_a_name),
      cmocka_unit_test(agrees_with_the_kernel),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
