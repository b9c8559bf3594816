/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a machine that code is made for: what schedules, lower and targets
 * ask. From a target line, or detected. */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "base/arena.h"

struct machine {
  const char *target_line; /* canonical: "llvm -mtriple=… -mcpu=… -mattr=…" */
  const char *kind;        /* "llvm" or "c": a row of target/targets.def */
  const char *triple;      /* "x86_64-pc-linux-gnu" */
  const char *cpu;         /* LLVM's spelling, "znver4" */
  const char *attributes;   /* LLVM's, "+avx2,-avx512f" or "" */
  const char *architecture; /* "x86_64", "aarch64" */
  uint32_t elf_machine;     /* 62, 183 */
  const char **features;    /* features the code needs, LLVM's spelling */
  size_t feature_count;
  bool is_host; /* code for it runs in this process */
  /* for schedules */
  int64_t vector_bits;      /* 512, 256, 128; 64 at least (scalar targets) */
  int64_t vector_registers; /* 32, 16 */
  bool has_fma;
  bool has_broadcast_operand; /* a scalar in memory can be broadcast */
  bool has_indexed_fma;   /* a lane of a vector can be the multiplier (NEON) */
  double fma_per_cycle;   /* full vectors */
  double fma_latency;     /* cycles */
  double loads_per_cycle; /* full vectors */
  double frequency;       /* GHz, nominal: only ratios matter */
  int64_t l1_bytes, l2_bytes, l3_bytes;
  int64_t l3_share_bytes; /* what a core can count on of it */
  double l2_bytes_per_cycle, l3_bytes_per_cycle, memory_bytes_per_cycle;
  double exchange_bytes_per_cycle; /* of what another core has just written */
  double weights_bytes_per_cycle;  /* see machine_hold_weights */
  bool asks_ahead; /* loops must ask for weights, no cache does so in time */
  int64_t cores;
};

/* Reads a target line: "llvm -mcpu=znver4 -mattr=+avx2,-avx512f
 * -mtriple=aarch64-linux-gnu", "c", or a named machine ("rpi4", …). NULL:
 * "llvm" for this machine. Arena. INVALID_ARGUMENT names the wrong word and
 * lists the near ones; CPU and feature names are checked against our own
 * tables, since LLVM aborts on unknown ones. */
enum adze_status machine_parse(struct arena *arena, const char *target_line,
                               struct machine *out,
                               struct adze_error *error) ADZE_MUST_USE;

/* Says how large a network's weights are in all. They come from memory unless
 * a core's share of the last cache holds them from one run to the next, beside
 * all else. */
void machine_hold_weights(struct machine *machine, size_t bytes);

/* The features for LLVM, all said: "-avx512f,…,+sse3,…". */
const char *machine_llvm_features(struct arena *arena,
                                  const struct machine *machine);

/* This machine as text, lines of "name: value"; for `adze env`. */
struct text;
void machine_describe_host(struct text *text);

#endif
