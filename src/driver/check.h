/* SPDX-License-Identifier: Apache-2.0 */
/* The state of adze_check, and its parts. */
#ifndef DRIVER_CHECK_H
#define DRIVER_CHECK_H

#include "driver/compilation.h"

/* ---- Memory between guard zones (check_memory.c) ------------------------- */
struct guarded {
  uint8_t *base; /* NULL: none */
  uint8_t *data; /* `bytes` of them, aligned as in a package's workspace */
  size_t bytes;
};
/* Filled with `poison`. Unwinds when memory runs out. */
struct guarded guarded_new(size_t bytes, int poison);
void guarded_free(struct guarded *guarded);
/* Whether nobody wrote beside the memory. */
bool guarded_is_intact(const struct guarded *guarded);

struct checked_value {
  const struct value *value;
  struct guarded memory; /* of roots */
  struct guarded dense;  /* a copy in logical order, made when asked for */
  size_t last;           /* of roots: the last group that uses it */
};

struct check {
  struct compilation compilation; /* first: the constants' sink casts back */
  const struct adze_check_options *options;
  struct adze_error *error;
  struct substitution *symbols; /* open dimensions with their sizes */
  int64_t *symbol_values;
  size_t symbol_count;
  struct checked_value *values; /* by value id */
  size_t value_count;
  bool *in_group;                /* by node id: a kernel computes it */
  VEC(struct guarded) constants; /* as compilation.constants */
  void ***phases;                /* by kernel: their addresses */
  uint64_t random;
  struct watch *watch; /* of the group that runs; check_run.c */
};

/* An expression at the sizes of this run. */
enum adze_status check_number(struct check *check, const struct expr *e,
                              int64_t *out) ADZE_MUST_USE;
enum adze_status check_bytes(struct check *check, const struct expr *elements,
                             enum adze_dtype dtype, size_t *out) ADZE_MUST_USE;
uint64_t check_random(struct check *check);

/* The memory in which a value lies, allocated when first asked for. */
enum adze_status check_memory_of(struct check *check, const struct value *value,
                                 struct guarded **out) ADZE_MUST_USE;
/* Byte ranges that belong to a value in that memory: `count` strips of `bytes`,
 * `planes` of them `pitch` apart, and then the next as many `image_pitch` from
 * the ones before. */
struct region {
  size_t start, bytes, pitch, planes, image_pitch, count;
};
/* Where a strip begins. */
size_t region_strip(const struct region *region, size_t index);
enum adze_status check_region(struct check *check, const struct value *value,
                              struct region *out) ADZE_MUST_USE;
/* The value's elements in logical order, read through its placement. */
enum adze_status check_dense(struct check *check, const struct value *value,
                             const struct guarded **out) ADZE_MUST_USE;
/* MISMATCH unless the halo around the value holds zeros. */
enum adze_status check_halo(struct check *check,
                            const struct value *value) ADZE_MUST_USE;
/* Frees what no group after `group` uses. */
void check_release(struct check *check, size_t group);

/* ---- Samples against the reference (check_sample.c) ---------------------- */
/* Compares elements of the last node's outputs with its operators' own
 * expressions, and theirs, down to what these nodes read. */
enum adze_status check_sample(struct check *check, struct node *const *nodes,
                              size_t node_count,
                              struct adze_check_group *report) ADZE_MUST_USE;

/* ---- Kernels (check_run.c) ----------------------------------------------- */
/* Runs a group with one worker and with several, all of which must compute the
 * same bits, and nothing beside them. */
enum adze_status check_run_group(struct check *check,
                                 size_t group) ADZE_MUST_USE;
/* Frees what a run, which was perhaps broken off, needed besides values. */
void check_run_release(struct check *check);

#endif
