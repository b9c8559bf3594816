/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of CPUs, features and named machines, and sets of features. */
#ifndef MACHINE_TABLE_H
#define MACHINE_TABLE_H

#include "base/base.h"

enum architecture { ARCHITECTURE_x86_64, ARCHITECTURE_aarch64 };
#define ARCHITECTURE_COUNT 2

struct architecture_row {
  const char *name, *triple, *generic_cpu;
  uint32_t elf_machine;
};
extern const struct architecture_row architecture_table[ARCHITECTURE_COUNT];
/* Reads "x86_64", "amd64", "aarch64", "arm64" (`size` bytes). */
bool architecture_find(const char *name, size_t size, enum architecture *out);
/* The one this program was built for; false when it is none of ours. */
bool architecture_of_host(enum architecture *out);

struct cpu_row {
  enum architecture architecture;
  const char *name, *base, *features;
  int fma_pipes, fma_bits, fma_latency, loads, load_bits;
  double frequency;
  int64_t l1_kib, l2_kib, l3_kib;
  double l2_rate, l3_rate, memory_rate, exchange_rate; /* bytes per cycle */
  int cores;
  bool asks_ahead;
};
extern const struct cpu_row cpu_table[];
extern const size_t cpu_table_count;
/* NULL when there is none. */
const struct cpu_row *cpu_find(const char *name);
const struct cpu_row *cpu_find_for(enum architecture architecture,
                                   const char *name);

/* A set of features of one architecture: bit i is row i of its table. */
typedef uint64_t feature_set;
struct feature_row {
  const char *name, *implies;
};
extern const struct feature_row *const feature_tables[ARCHITECTURE_COUNT];
extern const size_t feature_counts[ARCHITECTURE_COUNT];
/* The row of a name (`size` bytes), or -1. */
int feature_find(enum architecture architecture, const char *name, size_t size);
/* The set with row `feature` on, or off, and what follows from it. */
feature_set feature_enable(enum architecture architecture, feature_set set,
                           int feature);
feature_set feature_disable(enum architecture architecture, feature_set set,
                            int feature);
bool feature_has(enum architecture architecture, feature_set set,
                 const char *name);
/* What a CPU of the table has. */
feature_set cpu_features(const struct cpu_row *cpu);

struct named_machine {
  const char *name, *target_line, *summary;
};
extern const struct named_machine named_machine_table[];
extern const size_t named_machine_count;

/* The machine this runs on. */
struct host {
  bool is_known; /* an architecture of ours */
  enum architecture architecture;
  const struct cpu_row *cpu;
  feature_set features;
  int64_t l1_bytes, l2_bytes, l3_bytes; /* 0: not told */
  int64_t cores;
};
/* Detected once; any thread. */
const struct host *host_detect(void);

#endif
