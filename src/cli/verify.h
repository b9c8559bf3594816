/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `adze verify`: finding models with their data, running one, and
 * comparing. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include "cli/session.h"

/* A stored set of inputs and outputs: a folder test_data_set_N, or an npz. */
struct data_set {
  const char *path;
  bool npz;
};

struct verify_case {
  const char *name;  /* the folder's, or the file's without its ending */
  const char *model; /* path */
  struct data_set *sets;
  size_t set_count;
};

struct verify_cases {
  struct verify_case *items;
  size_t count;
};

struct verify_options {
  double rtol, atol;
  const char *input_shapes;
  int threads;
  size_t samples; /* of each group, against the reference */
  bool verbose;   /* a line for each group */
  bool no_winograd;
};

/* ---- verify_find.c ---------------------------------------------------------
 * The models that the arguments name: a model file, followed by npz files that
 * are for it alone; or a folder, which is searched to its depths. Data lies
 * beside a model: test_data_set_N folders, and npz files named like it (any
 * npz, in a searched folder with one model). In the order of the arguments,
 * folders in the order of names. NOT_FOUND when there is none. */
enum adze_status verify_find(struct arena *arena, const char *const *arguments,
                             size_t count, struct verify_cases *out,
                             struct adze_error *error) ADZE_MUST_USE;

/* ---- verify_case.c ------------------------------------------------------- */
/* Compiles and runs a model on its data sets, or, when it has none, on random
 * inputs against the reference. MISMATCH with the first difference. */
enum adze_status verify_run_case(struct arena *arena,
                                 const struct verify_case *test,
                                 const struct verify_options *options,
                                 struct adze_error *error) ADZE_MUST_USE;

/* ---- compare.c ----------------------------------------------------------- */
/* OK when type and shape are equal and every |found - expected| <= atol + rtol
 * * |expected| (integers and bools: equal; NaN equals NaN); else MISMATCH with
 * how many differ and where the worst is. */
enum adze_status compare_arrays(struct arena *arena, const struct array *found,
                                const struct array *expected, double rtol,
                                double atol,
                                struct adze_error *error) ADZE_MUST_USE;

#endif
