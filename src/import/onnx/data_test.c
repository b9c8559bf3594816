/* SPDX-License-Identifier: Apache-2.0 */
/* Tensor data in every way that ONNX writes it, external files and their
 * dangers, and what becomes of shapes that a model computes. */
#include "import/test/import_test.h"

#include "op/op.h"

#include <math.h>

static struct value *imported_constant(struct fixture *f, struct model *m) {
  struct graph *graph;
  model_node(m, "Identity", "copy", "w", "y", NULL);
  model_output(m, "y");
  struct text bytes = model_bytes(m);
  assert_ok(fixture_import(f, &bytes, NULL, &graph), f->error);
  struct value *value = graph->outputs.data[0]->producer->inputs[0];
  assert_non_null(value->constant);
  return value;
}

/* One packed field of numbers. */
static void put_packed(struct text *tensor, unsigned field, size_t count,
                       const uint64_t *numbers) {
  struct text packed = {.arena = tensor->arena};
  for (size_t i = 0; i < count; i++) {
    uint64_t rest = numbers[i];
    do {
      char byte = (char)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
      text_add_n(&packed, &byte, 1);
      rest >>= 7;
    } while (rest != 0);
  }
  model_put(tensor, field, text_string(&packed), packed.size);
}

static void typed_data(void **state) {
  struct fixture *f = *state;
  static const struct {
    int64_t type;
    unsigned field;
    uint64_t numbers[3];
    double wanted[3];
  } cases[] = {
      {6, 5, {1, (uint64_t)-2, 300}, {1, -2, 300}},          /* int32 */
      {7, 7, {1, (uint64_t)-2, 1u << 31}, {1, -2, 2147483648.0}},
      {3, 5, {1, (uint64_t)-2, 127}, {1, -2, 127}},          /* int8 */
      {2, 5, {1, 200, 0}, {1, 200, 0}},                      /* uint8 */
      {10, 5, {0x3c00, 0xc000, 0x3800}, {1, -2, 0.5}},       /* float16 */
      {16, 5, {0x3f80, 0xc000, 0x3f00}, {1, -2, 0.5}},       /* bfloat16 */
      {9, 5, {1, 0, 1}, {1, 0, 1}},                          /* bool */
      {12, 11, {1, 4000000000u, 0}, {1, 4e9, 0}},            /* uint32 */
  };
  for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
    struct model m;
    model_begin(&m, 17);
    struct text w =
        model_tensor(&m, "w", cases[i].type, 1, (int64_t[]){3});
    put_packed(&w, cases[i].field, 3, cases[i].numbers);
    model_initializer(&m, &w);
    const struct value *value = imported_constant(f, &m);
    for (size_t k = 0; k < 3; k++)
      assert_true(constant_real(value->constant, k) == cases[i].wanted[k]);
    model_end(&m);
  }
}

static void floats_are_viewed(void **state) {
  struct fixture *f = *state;
  static const float numbers[3] = {1.5f, -2, INFINITY};
  for (int is_raw = 0; is_raw < 2; is_raw++) {
    struct model m;
    model_begin(&m, 17);
    struct text w = model_tensor(&m, "w", 1, 1, (int64_t[]){3});
    if (is_raw)
      model_raw(&w, numbers, sizeof numbers);
    else
      model_put(&w, 4, numbers, sizeof numbers);
    model_initializer(&m, &w);
    const struct value *value = imported_constant(f, &m);
    for (size_t k = 0; k < 3; k++)
      assert_true(constant_real(value->constant, k) == (double)numbers[k]);
    model_end(&m);
  }
}

/* Files before version 4 list weights among the inputs. */
static void initializers_among_inputs(void **state) {
  struct fixture *f = *state;
  struct model m;
  struct graph *graph;
  static const float numbers[3];
  model_begin(&m, 7);
  model_input(&m, "w", 1, 1, (int64_t[]){3});
  model_input(&m, "x", 1, 1, (int64_t[]){3});
  struct text w = model_tensor(&m, "w", 1, 1, (int64_t[]){3});
  model_raw(&w, numbers, sizeof numbers);
  model_initializer(&m, &w);
  model_node(&m, "Add", "add", "x w", "y", NULL);
  model_output(&m, "y");
  struct text bytes = model_bytes(&m);
  assert_ok(fixture_import(f, &bytes, NULL, &graph), f->error);
  assert_string_equal(
      fixture_shapes(f, graph->inputs.data, graph->inputs.count), "x[3]");
  model_end(&m);
}

static void truth_is_0_or_1(void **state) {
  struct fixture *f = *state;
  struct model m;
  model_begin(&m, 17);
  struct text w = model_tensor(&m, "w", 9, 1, (int64_t[]){3});
  model_raw(&w, "\0\5\1", 3);
  model_initializer(&m, &w);
  const uint8_t *data = imported_constant(f, &m)->constant->data;
  assert_int_equal(data[0], 0);
  assert_int_equal(data[1], 1);
  model_end(&m);
}

/* ---- External data ------------------------------------------------------- */

static void write_file(const char *folder, const char *name, const void *data,
                       size_t size) {
  char path[8192];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  fclose(file);
}

static struct text external_model(struct model *m, const char *location,
                                  const char *offset) {
  model_begin(m, 17);
  struct text w = model_tensor(m, "w", 1, 1, (int64_t[]){3});
  model_external(&w, location, offset);
  model_initializer(m, &w);
  model_node(m, "Identity", "copy", "w", "y", NULL);
  model_output(m, "y");
  return model_bytes(m);
}

static void external_data(void **state) {
  struct fixture *f = *state;
  static const float numbers[5] = {9, 9, 1, 2, 3};
  struct model m;
  struct graph *graph;
  write_file(f->folder, "weights.bin", numbers, sizeof numbers);
  struct text bytes = external_model(&m, "weights.bin", "8");
  assert_ok(fixture_import(f, &bytes, NULL, &graph), f->error);
  const struct value *w = graph->outputs.data[0]->producer->inputs[0];
  assert_true(constant_real(w->constant, 0) == 1);
  assert_true(constant_real(w->constant, 2) == 3);
  model_end(&m);
}

static void external_dangers(void **state) {
  struct fixture *f = *state;
  static const float numbers[5];
  char soft[8192], target[8192], outside[8192], hard[8192];
  snprintf(target, sizeof target, "%s/weights.bin", f->folder);
  snprintf(soft, sizeof soft, "%s/link.bin", f->folder);
  snprintf(hard, sizeof hard, "%s/hard.bin", f->folder);
  snprintf(outside, sizeof outside, "../%s/weights.bin",
           strrchr(f->folder, '/') + 1);
  write_file(f->folder, "weights.bin", numbers, sizeof numbers);
  assert_int_equal(symlink("weights.bin", soft), 0);
  const struct {
    const char *location, *offset;
  } cases[] = {{"absent.bin", NULL},      {target, NULL},
               {outside, NULL},           {"link.bin", NULL},
               {"weights.bin", "12"},     {"weights.bin", "1000"},
               {"weights.bin", "-4"},     {"weights.bin", "many"},
               {"/etc/passwd", NULL},     {"", NULL},
               {"weights.bin/../weights.bin", NULL}};
  for (size_t i = 0; i <= ARRAY_COUNT(cases); i++) {
    struct model m;
    struct graph *graph;
    bool is_hard = i == ARRAY_COUNT(cases);
    if (is_hard)
      assert_int_equal(link(target, hard), 0);
    struct text bytes = external_model(
        &m, is_hard ? "hard.bin" : cases[i].location,
        is_hard ? NULL : cases[i].offset);
    if (fixture_import(f, &bytes, NULL, &graph) == ADZE_OK)
      fail_msg("external data at '%s' was taken",
               is_hard ? "a hard link" : cases[i].location);
    assert_true(strstr(f->error.message, "model.onnx") != NULL);
    model_end(&m);
  }
}

/* ---- Computed shapes ----------------------------------------------------- */

/* Shape -> Gather -> Unsqueeze -> Concat -> Reshape, as exporters write it. */
static void computed_shapes(void **state) {
  struct fixture *f = *state;
  struct model m;
  struct graph *graph;
  static const int64_t zero = 0, rest = -1;
  model_begin(&m, 11);
  model_input(&m, "x", 1, 3, (int64_t[]){MODEL_OPEN, 4, 5});
  struct text index = model_tensor(&m, "index", 7, 0, NULL);
  model_raw(&index, &zero, 8);
  model_initializer(&m, &index);
  struct text last = model_tensor(&m, "last", 7, 1, (int64_t[]){1});
  model_raw(&last, &rest, 8);
  model_initializer(&m, &last);
  model_node(&m, "Shape", "shape", "x", "s", NULL);
  model_node(&m, "Gather", "gather", "s index", "g", NULL);
  struct text attributes = model_text(&m);
  model_ints(&attributes, "axes", 1, &zero);
  model_node(&m, "Unsqueeze", "unsqueeze", "g", "u", &attributes);
  attributes = model_text(&m);
  model_int(&attributes, "axis", 0);
  model_node(&m, "Concat", "concat", "u last", "c", &attributes);
  model_node(&m, "Reshape", "reshape", "x c", "y", NULL);
  model_output(&m, "y");
  struct text bytes = model_bytes(&m);
  assert_ok(fixture_import(f, &bytes, "x:[batch,4,5]", &graph), f->error);
  assert_string_equal(fixture_shapes(f, graph->outputs.data, 1),
                      "y[batch, 20]");
  assert_int_equal(graph->nodes.count, 2); /* elements and reshape */
  assert_ok(fixture_import(f, &bytes, "x:[7,4,5]", &graph), f->error);
  assert_string_equal(fixture_shapes(f, graph->outputs.data, 1), "y[7, 20]");
  assert_int_equal(graph->nodes.count, 1);
  model_end(&m);
}

/* A count that meets data: x / float(size(x)). */
static void computed_numbers(void **state) {
  struct fixture *f = *state;
  struct model m;
  struct graph *graph;
  model_begin(&m, 13);
  model_input(&m, "x", 1, 2, (int64_t[]){MODEL_OPEN, 4});
  model_node(&m, "Size", "size", "x", "n", NULL);
  struct text attributes = model_text(&m);
  model_int(&attributes, "to", 1);
  model_node(&m, "Cast", "cast", "n", "f", &attributes);
  model_node(&m, "Div", "div", "x f", "y", NULL);
  model_output(&m, "y");
  struct text bytes = model_bytes(&m);
  assert_ok(fixture_import(f, &bytes, "x:[n,4]", &graph), f->error);
  assert_int_equal(graph->nodes.count, 2);
  const struct node *div = graph->nodes.data[1];
  assert_ptr_equal(div->inputs[1]->producer->op, &op_shape_elements);
  assert_int_equal(div->inputs[1]->dtype, ADZE_F32);
  assert_true(node_reads(div, 1));
  model_end(&m);
}

int onnx_data_tests(void) {
#define WITH_FIXTURE(test)                                                     \
  cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
  const struct CMUnitTest tests[] = {
      WITH_FIXTURE(typed_data),       WITH_FIXTURE(floats_are_viewed),
      WITH_FIXTURE(initializers_among_inputs),
      WITH_FIXTURE(truth_is_0_or_1),  WITH_FIXTURE(external_data),
      WITH_FIXTURE(external_dangers), WITH_FIXTURE(computed_shapes),
      WITH_FIXTURE(computed_numbers)};
  return cmocka_run_group_tests_name("data and shapes", tests, NULL, NULL);
}
