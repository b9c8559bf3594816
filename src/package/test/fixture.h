/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of test_module.c, for the tests of package and runtime. */
#ifndef PACKAGE_TEST_FIXTURE_H
#define PACKAGE_TEST_FIXTURE_H

#include "test.h"

#include "adze/runtime.h"
#include "base/arena.h"
#include "base/file.h"
#include "package/package.h"

#define FIXTURE_ROTATIONS 20
extern const float fixture_weights[3];

struct fixture {
  struct arena *arena;
  char folder[4096]; /* temporary */
  const char *path;  /* folder/model.tar */
  struct package_contents
      contents; /* of test_module.c; change before writing */
  struct package_code code;
};

/* Contents and code of test_module.c; the object is the one named by `object`
 * (a path that CMake gives). */
void fixture_setup(struct fixture *fixture, const char *object);
/* Writes the package, or whatever contents.format says, to contents.path. */
enum adze_status fixture_write(struct fixture *fixture,
                               struct adze_error *error);
void fixture_teardown(struct fixture *fixture);

/* A file of the temporary folder as bytes, in the arena. */
struct object_code fixture_read(struct fixture *fixture, const char *path);
void fixture_save(const char *path, const void *data, size_t bytes);

/* What the model computes; z has n * 3 elements, pairs n / 2. */
void fixture_expected(int64_t n, const float *x, const float *y, float *z,
                      float *pairs);
/* An instance's buffers with random inputs and the outputs expected. */
struct fixture_run {
  int64_t n;
  float *x, *y, *z, *pairs, *wanted_z, *wanted_pairs;
};
void fixture_run_setup(struct fixture_run *run, int64_t n, uint64_t seed);
void fixture_run_bind(struct fixture_run *run, adze_instance *instance);
/* Whether the outputs are those expected; clears them. */
bool fixture_run_check(struct fixture_run *run);
void fixture_run_teardown(struct fixture_run *run);

/* An instance for n rows. */
enum adze_status fixture_instance(const adze_model *model, int64_t n,
                                  int threads, adze_pool *pool,
                                  adze_instance **out,
                                  struct adze_error *error);

#endif
