/* SPDX-License-Identifier: Apache-2.0 */
/* The tables as arrays, look-ups in them, and arithmetic on feature sets.
 *
 * A CPU's features are those of its base row and its own, each with what it
 * implies; rows refer to earlier rows only, so the recursion ends. Sets are
 * bit masks, since each architecture has fewer than 64 features that matter.
 */
#include "machine/table.h"

#include <string.h>

const struct architecture_row architecture_table[ARCHITECTURE_COUNT] = {
    [ARCHITECTURE_x86_64] = {"x86_64", "x86_64-pc-linux-gnu", "x86-64", 62},
    [ARCHITECTURE_aarch64] = {"aarch64", "aarch64-linux-gnu", "generic", 183},
};

const struct cpu_row cpu_table[] = {
#define CPU(architecture, name, base, features, pipes, bits, latency, loads,   \
            load_bits, frequency, l1, l2, l3, l2_rate, l3_rate, memory_rate,   \
            exchange_rate, cores, asks)                                        \
  {ARCHITECTURE_##architecture,                                                \
   name,                                                                       \
   base,                                                                       \
   features,                                                                   \
   pipes,                                                                      \
   bits,                                                                       \
   latency,                                                                    \
   loads,                                                                      \
   load_bits,                                                                  \
   frequency,                                                                  \
   l1,                                                                         \
   l2,                                                                         \
   l3,                                                                         \
   l2_rate,                                                                    \
   l3_rate,                                                                    \
   memory_rate,                                                                \
   exchange_rate,                                                              \
   cores,                                                                      \
   asks},
#include "machine/cpus.def"
#undef CPU
};
const size_t cpu_table_count = ARRAY_COUNT(cpu_table);

static const struct feature_row x86_features[] = {
#define FEATURE_X86(name, text, implies) {text, implies},
#define FEATURE_AARCH64(name, text, implies)
#include "machine/features.def"
#undef FEATURE_X86
#undef FEATURE_AARCH64
};
static const struct feature_row aarch64_features[] = {
#define FEATURE_X86(name, text, implies)
#define FEATURE_AARCH64(name, text, implies) {text, implies},
#include "machine/features.def"
#undef FEATURE_X86
#undef FEATURE_AARCH64
};
const struct feature_row *const feature_tables[ARCHITECTURE_COUNT] = {
    x86_features, aarch64_features};
const size_t feature_counts[ARCHITECTURE_COUNT] = {
    ARRAY_COUNT(x86_features), ARRAY_COUNT(aarch64_features)};

const struct named_machine named_machine_table[] = {
#define MACHINE(name, target_line, summary) {name, target_line, summary},
#include "machine/machines.def"
#undef MACHINE
};
const size_t named_machine_count = ARRAY_COUNT(named_machine_table);

/* ---- Look-ups ------------------------------------------------------------ */

bool architecture_find(const char *name, size_t size, enum architecture *out) {
  static const struct {
    const char *name;
    enum architecture architecture;
  } names[] = {{"x86_64", ARCHITECTURE_x86_64},
               {"amd64", ARCHITECTURE_x86_64},
               {"aarch64", ARCHITECTURE_aarch64},
               {"arm64", ARCHITECTURE_aarch64}};
  for (size_t i = 0; i < ARRAY_COUNT(names); i++)
    if (strlen(names[i].name) == size &&
        memcmp(names[i].name, name, size) == 0) {
      *out = names[i].architecture;
      return true;
    }
  return false;
}

bool architecture_of_host(enum architecture *out) {
#if defined(__x86_64__)
  *out = ARCHITECTURE_x86_64;
  return true;
#elif defined(__aarch64__)
  *out = ARCHITECTURE_aarch64;
  return true;
#else
  (void)out;
  return false;
#endif
}

const struct cpu_row *cpu_find_for(enum architecture architecture,
                                   const char *name) {
  for (size_t i = 0; i < cpu_table_count; i++)
    if (cpu_table[i].architecture == architecture &&
        strcmp(cpu_table[i].name, name) == 0)
      return &cpu_table[i];
  return NULL;
}

const struct cpu_row *cpu_find(const char *name) {
  for (int i = 0; i < ARCHITECTURE_COUNT; i++) {
    const struct cpu_row *cpu = cpu_find_for((enum architecture)i, name);
    if (cpu != NULL)
      return cpu;
  }
  return NULL;
}

/* ---- Feature sets -------------------------------------------------------- */

int feature_find(enum architecture architecture, const char *name,
                 size_t size) {
  for (size_t i = 0; i < feature_counts[architecture]; i++) {
    const char *row = feature_tables[architecture][i].name;
    if (strlen(row) == size && memcmp(row, name, size) == 0)
      return (int)i;
  }
  return -1;
}

/* Switches on every name of a comma-separated list from the tables. */
static feature_set enable_list(enum architecture architecture, feature_set set,
                               const char *list) {
  while (*list != '\0') {
    size_t size = strcspn(list, ",");
    int feature = feature_find(architecture, list, size);
    check(feature >= 0);
    set = feature_enable(architecture, set, feature);
    list += size;
    list += *list == ',';
  }
  return set;
}

feature_set feature_enable(enum architecture architecture, feature_set set,
                           int feature) {
  feature_set bit = (feature_set)1 << feature;
  if ((set & bit) != 0)
    return set;
  return enable_list(architecture, set | bit,
                     feature_tables[architecture][feature].implies);
}

feature_set feature_disable(enum architecture architecture, feature_set set,
                            int feature) {
  feature_set bit = (feature_set)1 << feature;
  for (size_t i = 0; i < feature_counts[architecture]; i++)
    if ((feature_enable(architecture, 0, (int)i) & bit) != 0)
      set &= ~((feature_set)1 << i);
  return set;
}

bool feature_has(enum architecture architecture, feature_set set,
                 const char *name) {
  int feature = feature_find(architecture, name, strlen(name));
  check(feature >= 0);
  return ((set >> feature) & 1) != 0;
}

feature_set cpu_features(const struct cpu_row *cpu) {
  feature_set set = 0;
  if (cpu->base[0] != '\0')
    set = cpu_features(cpu_find_for(cpu->architecture, cpu->base));
  return enable_list(cpu->architecture, set, cpu->features);
}
