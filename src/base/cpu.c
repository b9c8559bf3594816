/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the processor (x86: CPUID and XGETBV) or the system (AArch64: auxiliary
 * vector). A feature whose registers the system doesn't save on a context
 * switch counts as absent, since using it faults. Features that need a request
 * to the kernel before use (AMX) are not in the table: absent is the safe
 * answer for them.
 *
 * Nothing is cached: this runs once per load of a package, and a table that is
 * constant needs no thought about threads.
 */
#include "base/cpu.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

static const struct {
  uint32_t number;
  const char *name;
} machine_names[] = {
    {3, "x86"},       {8, "MIPS"},     {21, "PowerPC64"},
    {22, "s390x"},    {40, "ARM"},     {62, "x86-64"},
    {183, "AArch64"}, {243, "RISC-V"}, {258, "LoongArch"},
};

uint32_t cpu_elf_machine(void) {
#if defined(__x86_64__)
  return 62;
#elif defined(__aarch64__)
  return 183;
#elif defined(__arm__)
  return 40;
#elif defined(__riscv)
  return 243;
#else
  return 0;
#endif
}

const char *cpu_elf_machine_name(uint32_t elf_machine) {
  for (size_t i = 0; i < ARRAY_COUNT(machine_names); i++)
    if (machine_names[i].number == elf_machine)
      return machine_names[i].name;
  return NULL;
}

/* Rows of the other architectures vanish; the first entry keeps the array from
 * being empty where no architecture has rows, and is never looked at. */
#if defined(__x86_64__)

enum { EAX, EBX, ECX, EDX };
enum { STATE_NONE = 0, STATE_AVX = 0x6, STATE_AVX512 = 0xe6 };

struct feature {
  const char *name;
  uint32_t leaf, subleaf;
  uint8_t reg, bit, state;
};
static const struct feature features[] = {
    {"", 0, 0, 0, 0, 0},
#define CPU_FEATURE_X86(name, leaf, subleaf, reg, bit, state)                  \
  {name, leaf, subleaf, reg, bit, STATE_##state},
#define CPU_FEATURE_ARM64(name, word, bit)
#include "base/cpu_features.def"
#undef CPU_FEATURE_X86
#undef CPU_FEATURE_ARM64
};

/* The register state that the system saves (XCR0), 0 without XGETBV. */
static uint32_t saved_state(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static bool feature_present(const struct feature *feature) {
  uint32_t registers[4];
  if (!__get_cpuid_count(feature->leaf, feature->subleaf, &registers[EAX],
                         &registers[EBX], &registers[ECX], &registers[EDX]))
    return false;
  return (registers[feature->reg] >> feature->bit & 1) &&
         (saved_state() & feature->state) == feature->state;
}

#else

struct feature {
  const char *name;
  uint8_t word, bit;
};
static const struct feature features[] = {
    {"", 0, 0},
#if defined(__aarch64__)
#define CPU_FEATURE_X86(name, leaf, subleaf, reg, bit, state)
#define CPU_FEATURE_ARM64(name, word, bit) {name, word, bit},
#include "base/cpu_features.def"
#undef CPU_FEATURE_X86
#undef CPU_FEATURE_ARM64
#endif
};

static bool feature_present(const struct feature *feature) {
#if defined(__aarch64__)
  return getauxval(feature->word == 1 ? AT_HWCAP : AT_HWCAP2) >> feature->bit &
         1;
#else
  return feature->word != 0;
#endif
}

#endif

size_t cpu_feature_count(void) { return ARRAY_COUNT(features) - 1; }

const char *cpu_feature_name(size_t index) {
  check(index < cpu_feature_count());
  return features[index + 1].name;
}

bool cpu_feature_present(size_t index) {
  check(index < cpu_feature_count());
  return feature_present(&features[index + 1]);
}

static const struct feature *feature_find(const char *name) {
  for (size_t i = 1; i < ARRAY_COUNT(features); i++)
    if (strcmp(features[i].name, name) == 0)
      return &features[i];
  return NULL;
}

bool cpu_has_feature(const char *name) {
  const struct feature *feature = feature_find(name);
  return feature && feature_present(feature);
}

bool cpu_knows_feature(const char *name) { return feature_find(name) != NULL; }
