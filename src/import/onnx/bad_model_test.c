/* SPDX-License-Identifier: Apache-2.0 */
/* Models that are wrong: each gets one sentence that names what is wrong, and
 * bytes changed at random never do worse. */
#include "import/test/import_test.h"

static int64_t shape23[] = {2, 3};

static void expect(struct fixture *f, struct model *m,
                   enum adze_status status, const char *sentence) {
  struct graph *graph;
  struct text bytes = model_bytes(m);
  assert_fails(fixture_import(f, &bytes, NULL, &graph), f->error, status,
               sentence);
  assert_true(strncmp(f->error.message, f->path, strlen(f->path)) == 0);
  model_end(m);
}

/* x -> relu -> y, with something more. */
static void begin(struct model *m) {
  model_begin(m, 17);
  model_input(m, "x", 1, 2, shape23);
}

static void finish(struct model *m) {
  model_node(m, "Relu", "last", "x", "y", NULL);
  model_output(m, "y");
}

/* ---- Files --------------------------------------------------------------- */

static void not_models(void **state) {
  struct fixture *f = *state;
  struct graph *graph;
  struct arena *arena = arena_create("text");
  static const struct {
    const char *bytes, *sentence;
  } cases[] = {
      {"", "the file is empty"},
      {"PK\3\4 something else", "is not a model that adze knows"},
      {"BM\x36\x0a\x01\x01 a picture", "is not a model that adze knows"},
      {"\x08\x07\x3a\xff\xff\xff\xff\x0f", "byte"},
      {"\x08\x07", "the file has no graph"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
    struct text text = {.arena = arena};
    text_add(&text, cases[i].bytes);
    assert_fails(fixture_import(f, &text, NULL, &graph), f->error,
                 ADZE_INVALID_MODEL, cases[i].sentence);
  }
  assert_fails(fixture_import_path(f, "/nowhere/model.onnx", NULL, &graph),
               f->error, ADZE_NOT_FOUND, "/nowhere/model.onnx");
  arena_destroy(arena);
}

static void old_opset(void **state) {
  struct model m;
  model_begin(&m, 6);
  model_input(&m, "x", 1, 2, shape23);
  finish(&m);
  expect(*state, &m, ADZE_UNSUPPORTED, "opset 6 is not supported; 7 or newer");
}

/* ---- Names and order ----------------------------------------------------- */

static void cycle(void **state) {
  struct model m;
  begin(&m);
  model_node(&m, "Add", "first", "x b", "a", NULL);
  model_node(&m, "Relu", "second", "a", "b", NULL);
  model_output(&m, "b");
  expect(*state, &m, ADZE_INVALID_MODEL, "is part of a cycle through");
}

static void dangling(void **state) {
  struct model m;
  begin(&m);
  model_node(&m, "Add", "sum", "x nothing", "y", NULL);
  model_output(&m, "y");
  expect(*state, &m, ADZE_INVALID_MODEL,
         "node 'sum' (Add) uses 'nothing', which nothing makes");
}

static void doubled(void **state) {
  struct model m;
  begin(&m);
  model_node(&m, "Relu", "one", "x", "y", NULL);
  model_node(&m, "Relu", "two", "x", "y", NULL);
  model_output(&m, "y");
  expect(*state, &m, ADZE_INVALID_MODEL, "the name 'y' is given to two values");
  begin(&m);
  model_input(&m, "x", 1, 2, shape23);
  finish(&m);
  expect(*state, &m, ADZE_INVALID_MODEL, "the name 'x' is given to two values");
}

static void no_output(void **state) {
  struct model m;
  begin(&m);
  expect(*state, &m, ADZE_INVALID_MODEL, "the graph has no outputs");
  begin(&m);
  model_output(&m, "y");
  expect(*state, &m, ADZE_INVALID_MODEL, "output 'y' is made by nothing");
}

static void any_order(void **state) {
  struct fixture *f = *state;
  struct model m;
  struct graph *graph;
  begin(&m);
  model_node(&m, "Relu", "last", "b", "y", NULL);
  model_node(&m, "Relu", "middle", "a", "b", NULL);
  model_node(&m, "Relu", "first", "x", "a", NULL);
  model_output(&m, "y");
  struct text bytes = model_bytes(&m);
  assert_ok(fixture_import(f, &bytes, NULL, &graph), f->error);
  assert_int_equal(graph->nodes.count, 3);
  assert_string_equal(graph->nodes.data[0]->name, "first");
  model_end(&m);
}

/* ---- Dimensions and data ------------------------------------------------- */

static void input_dims(void **state) {
  static const struct {
    int64_t dims[3];
    enum adze_status status;
    const char *sentence;
  } cases[] = {
      {{2, -1, 3}, ADZE_INVALID_MODEL, "dimension 1 of input 'x' is negative"},
      {{INT64_MAX, 2, 2}, ADZE_LIMIT, "is too large"},
      {{1 << 30, 1 << 30, 1}, ADZE_LIMIT, "is too large"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
    struct model m;
    model_begin(&m, 17);
    model_input(&m, "x", 1, 3, cases[i].dims);
    finish(&m);
    expect(*state, &m, cases[i].status, cases[i].sentence);
  }
  struct model m;
  model_begin(&m, 17);
  model_input(&m, "x", 8, 2, shape23); /* strings */
  finish(&m);
  expect(*state, &m, ADZE_UNSUPPORTED, "input 'x' is not a tensor of a type");
}

static void initializer_dims(void **state) {
  static const struct {
    size_t rank;
    int64_t dims[3];
    enum adze_status status;
    const char *sentence;
  } cases[] = {
      {1, {-4}, ADZE_INVALID_MODEL, "dimension 0 of initializer 'w' is -4"},
      {3, {INT64_MAX, 2, 2}, ADZE_INVALID_MODEL, "'w' overflows"},
      {3, {1 << 30, 1 << 30, 1 << 30}, ADZE_INVALID_MODEL, "'w' overflows"},
      {1, {5}, ADZE_INVALID_MODEL,
       "initializer 'w' has 16 bytes of data where its shape needs 20"},
      {1, {3}, ADZE_INVALID_MODEL, "has 16 bytes"},
      {1, {INT64_C(1) << 50}, ADZE_INVALID_MODEL, "has 16 bytes"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
    struct model m;
    begin(&m);
    struct text w =
        model_tensor(&m, "w", 1, cases[i].rank, cases[i].dims);
    model_raw(&w, "0123456789abcdef", 16);
    model_initializer(&m, &w);
    finish(&m);
    expect(*state, &m, cases[i].status, cases[i].sentence);
  }
  struct model m;
  begin(&m);
  struct text w = model_tensor(&m, "w", 99, 1, shape23);
  model_initializer(&m, &w);
  finish(&m);
  expect(*state, &m, ADZE_UNSUPPORTED, "elements of ONNX type 99");
}

/* Results whose size no machine has. */
static void huge_results(void **state) {
  struct model m;
  begin(&m);
  int64_t shape[4] = {1 << 20, 1 << 20, 2, 3};
  struct text w = model_tensor(&m, "shape", 7, 1, (int64_t[]){4});
  model_raw(&w, shape, sizeof shape);
  model_initializer(&m, &w);
  model_node(&m, "Expand", "grow", "x shape", "y", NULL);
  model_output(&m, "y");
  expect(*state, &m, ADZE_LIMIT, "output 'grow' of shape");
}

/* ---- Nodes --------------------------------------------------------------- */

static void bad_nodes(void **state) {
  struct model m;
  begin(&m);
  struct text attributes = model_text(&m);
  model_int(&attributes, "axis", 7);
  model_node(&m, "Concat", "c", "x x", "y", &attributes);
  model_output(&m, "y");
  expect(*state, &m, ADZE_INVALID_MODEL, "axis 7 is out of range for rank 2");

  begin(&m);
  attributes = model_text(&m);
  model_characters(&attributes, "axis", "one");
  model_node(&m, "Concat", "c", "x x", "y", &attributes);
  model_output(&m, "y");
  expect(*state, &m, ADZE_INVALID_MODEL, "attribute 'axis' has type 3");

  begin(&m);
  attributes = model_text(&m);
  model_int(&attributes, "wings", 2);
  model_node(&m, "Relu", "r", "x", "y", &attributes);
  model_output(&m, "y");
  expect(*state, &m, ADZE_UNSUPPORTED, "attribute 'wings' is not supported");

  begin(&m);
  model_node(&m, "MatMul", "product", "x x", "y", NULL);
  model_output(&m, "y");
  expect(*state, &m, ADZE_SHAPE, "3 columns meet 2 rows");

  begin(&m);
  attributes = model_text(&m);
  model_ints(&attributes, "kernel_shape", 2, shape23);
  model_node(&m, "MaxPool", "pool", "x", "y", &attributes);
  model_output(&m, "y");
  expect(*state, &m, ADZE_UNSUPPORTED, "has rank 2; 3 to 5 expected");
}

/* A subgraph in an attribute, some thousand deep, is not entered. */
static void deep_nesting(void **state) {
  struct fixture *f = *state;
  struct model m;
  struct graph *graph;
  begin(&m);
  struct text inner = model_text(&m);
  for (int i = 0; i < 3000; i++) {
    struct text outer = model_text(&m);
    model_put(&outer, i % 2 ? 1 : 5, text_string(&inner), inner.size);
    inner = outer;
  }
  struct text attributes = model_text(&m), attribute = model_text(&m);
  model_put(&attribute, 1, "body", 4);
  model_put(&attribute, 6, text_string(&inner), inner.size);
  model_put_number(&attribute, 20, 5);
  model_put(&attributes, 5, attribute.data, attribute.size);
  model_node(&m, "Loop", "loop", "x", "y", &attributes);
  model_output(&m, "y");
  struct text bytes = model_bytes(&m);
  assert_fails(fixture_import(f, &bytes, NULL, &graph), f->error,
               ADZE_UNSUPPORTED, "operator 'Loop'");
  model_end(&m);
}

/* ---- Damage -------------------------------------------------------------- */

static struct text small_network(struct model *m) {
  static const float weights[36];
  static const int64_t four[4] = {1, 2, 9, 9}, list[2] = {1, -1};
  model_begin(m, 17);
  model_input(m, "x", 1, 4, four);
  struct text w = model_tensor(m, "w", 1, 4, (int64_t[]){2, 2, 3, 3});
  model_raw(&w, weights, sizeof weights);
  model_initializer(m, &w);
  struct text shape = model_tensor(m, "shape", 7, 1, (int64_t[]){2});
  model_raw(&shape, list, sizeof list);
  model_initializer(m, &shape);
  struct text attributes = model_text(m);
  model_ints(&attributes, "pads", 4, (int64_t[]){1, 1, 1, 1});
  model_ints(&attributes, "strides", 2, (int64_t[]){2, 2});
  model_node(m, "Conv", "conv", "x w", "a", &attributes);
  model_node(m, "Shape", "shape", "a", "s", NULL);
  model_node(m, "Reshape", "flat", "a shape", "b", NULL);
  attributes = model_text(m);
  model_int(&attributes, "axis", -1);
  model_node(m, "Softmax", "soft", "b", "y", &attributes);
  model_node(m, "Sub", "sub", "s s", "zero", NULL);
  model_output(m, "y");
  model_output(m, "zero");
  return model_bytes(m);
}

static uint64_t random_state = 2463534242u;
static uint32_t random_number(uint32_t limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)(random_state >> 20) % limit;
}

/* Whatever the bytes say: a graph, or a sentence. */
static void try_bytes(struct fixture *f, const struct text *bytes) {
  struct graph *graph;
  f->error.message[0] = 0;
  enum adze_status status = fixture_import(f, bytes, NULL, &graph);
  if (status == ADZE_OK)
    return;
  assert_int_not_equal(status, ADZE_INTERNAL);
  assert_true(f->error.message[0] != 0);
}

static void cut_short(void **state) {
  struct fixture *f = *state;
  struct model m;
  struct graph *graph;
  struct text bytes = small_network(&m);
  assert_ok(fixture_import(f, &bytes, NULL, &graph), f->error);
  for (size_t size = 0; size < bytes.size; size++) {
    struct text part = bytes;
    part.size = size;
    try_bytes(f, &part);
  }
  model_end(&m);
}

static void changed_bytes(void **state) {
  struct fixture *f = *state;
  struct model m;
  struct text bytes = small_network(&m);
  char *copy = malloc(bytes.size);
  for (int round = 0; round < 3000; round++) {
    memcpy(copy, bytes.data, bytes.size);
    for (uint32_t k = 0; k <= random_number(4); k++)
      copy[random_number((uint32_t)bytes.size)] = (char)random_number(256);
    struct text changed = {.data = copy, .size = bytes.size};
    try_bytes(f, &changed);
  }
  free(copy);
  model_end(&m);
}

int onnx_bad_model_tests(void) {
#define WITH_FIXTURE(test)                                                     \
  cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
  const struct CMUnitTest tests[] = {
      WITH_FIXTURE(not_models),       WITH_FIXTURE(old_opset),
      WITH_FIXTURE(cycle),            WITH_FIXTURE(dangling),
      WITH_FIXTURE(doubled),          WITH_FIXTURE(no_output),
      WITH_FIXTURE(any_order),        WITH_FIXTURE(input_dims),
      WITH_FIXTURE(initializer_dims), WITH_FIXTURE(huge_results),
      WITH_FIXTURE(bad_nodes),        WITH_FIXTURE(deep_nesting),
      WITH_FIXTURE(cut_short),        WITH_FIXTURE(changed_bytes)};
  return cmocka_run_group_tests_name("bad models", tests, NULL, NULL);
}
