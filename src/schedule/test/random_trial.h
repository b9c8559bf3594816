/* SPDX-License-Identifier: Apache-2.0 */
/* Test support: random stages over small matrices, memory for them, and random
 * primitives applied to their expansion.
 *
 * All data is i32, whose arithmetic wraps, so that no order of a sum matters
 * and results must be equal bit by bit. */
#ifndef SCHEDULE_TEST_RANDOM_TRIAL_H
#define SCHEDULE_TEST_RANDOM_TRIAL_H

#include "schedule/schedule.h"

#define TRIAL_MAX_STAGES 5
#define TRIAL_MAX_PARAMETERS 8

struct trial {
  struct arena *arena; /* borrowed */
  struct expr_pool *pool;
  struct buffer *parameters[TRIAL_MAX_PARAMETERS]; /* inputs, then outputs */
  size_t parameter_count, input_count, stage_count;
  struct stage *stages[TRIAL_MAX_STAGES];
  int64_t extents[2];      /* of the two dimensions */
  struct variable *symbol; /* the first dimension is open, or NULL */
};

/* The same seed gives the same stages. */
void trial_make(struct trial *trial, struct arena *arena, uint64_t seed);
/* Once only: primitives change the stages. */
struct function *trial_expand(struct trial *trial);

/* Fresh memory: inputs from the seed, outputs all ones. */
struct trial_memory {
  void *data[TRIAL_MAX_PARAMETERS];
  size_t bytes[TRIAL_MAX_PARAMETERS];
};
struct trial_memory trial_memory(const struct trial *trial, uint64_t seed);
/* Runs a function of the trial, flat or structured, on such memory. */
enum adze_status trial_run(const struct trial *trial,
                           const struct function *function,
                           struct trial_memory *memory, int64_t workers,
                           struct adze_error *error) ADZE_MUST_USE;

/* One random primitive on random loops and blocks, which may well be refused.
 * *state is the random state. */
enum adze_status trial_primitive(struct schedule *schedule,
                                 uint64_t *state) ADZE_MUST_USE;

#endif
