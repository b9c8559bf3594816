/* SPDX-License-Identifier: Apache-2.0 */
/* Importing from files that a test writes into a folder of its own. */
#ifndef IMPORT_TEST_IMPORT_TEST_H
#define IMPORT_TEST_IMPORT_TEST_H

#include "test.h"

#include "base/file.h"
#include "import/import.h"
#include "import/test/model_writer.h"

struct fixture {
  struct arena *arena;
  char folder[4096], path[4200]; /* of the model that import_bytes writes */
  struct adze_error error;
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);
/* The bytes as a file, imported under a guard; the graph lives until the next
 * import. */
enum adze_status fixture_import(struct fixture *fixture,
                                const struct text *bytes, const char *shapes,
                                struct graph **out);
enum adze_status fixture_import_path(struct fixture *fixture,
                                     const char *path, const char *shapes,
                                     struct graph **out);
enum adze_status fixture_inspect(struct fixture *fixture, const char *path,
                                 const char *shapes,
                                 struct import_report *out);
/* "name[1, 2, n] …" of a list of values. */
const char *fixture_shapes(struct fixture *fixture, struct value *const *list,
                           size_t count);

int onnx_bad_model_tests(void);
int onnx_data_tests(void);

#endif
