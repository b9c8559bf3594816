/* SPDX-License-Identifier: Apache-2.0 */
/* Operators: all groups of tests, then what concerns the table as a whole:
 * every row was run, names are unique, the documentation is current, wrong
 * models get sentences, elements are followed, graphs print and parse.
 *
 * `op_test --update` writes docs/OPERATORS.md anew. */
#include "op/test/op_test.h"

#include "base/file.h"

#define DOCUMENT ADZE_SOURCE_DIR "/docs/OPERATORS.md"

/* ---- The table ----------------------------------------------------------- */

static void every_operator_was_run(void **state) {
  (void)state;
  assert_true(trial_covered_all());
}

static bool claims(const struct import_name *a, const struct import_name *b) {
  bool a_first = a->until != 0 && a->until < b->since;
  bool b_first = b->until != 0 && b->until < a->since;
  return strcmp(a->format, b->format) == 0 && strcmp(a->name, b->name) == 0 &&
         !a_first && !b_first;
}

static void names_are_unique(void **state) {
  (void)state;
  for (size_t i = 0; i < op_table_count; i++)
    for (size_t k = 0; k < i; k++) {
      assert_string_not_equal(op_table[i]->name, op_table[k]->name);
      const struct import_name *a = op_table[i]->imports;
      for (; a != NULL && a->format != NULL; a++) {
        const struct import_name *b = op_table[k]->imports;
        for (; b != NULL && b->format != NULL; b++)
          if (claims(a, b))
            fail_msg("%s is claimed twice", a->name);
      }
    }
  assert_ptr_equal(op_find("conv"), &op_conv);
  assert_null(op_find("no_such_operator"));
  assert_ptr_equal(op_find_import("onnx", "Relu", 17), &op_relu);
  assert_null(op_find_import("onnx", "Mish", 17));
}

static void documentation_is_current(void **state) {
  (void)state;
  struct arena *arena = arena_create("document");
  struct text text = {.arena = arena};
  struct file_map map;
  struct adze_error error;
  op_print_documentation(&text);
  assert_ok(file_map_open(DOCUMENT, &map, &error), error);
  bool is_same = map.size == text.size &&
                 memcmp(map.data, text.data, text.size) == 0;
  file_map_close(&map);
  arena_destroy(arena);
  if (!is_same)
    fail_msg("docs/OPERATORS.md is old: run op_test --update");
}

static int update_documentation(void) {
  struct arena *arena = arena_create("document");
  struct text text = {.arena = arena};
  struct adze_error error;
  op_print_documentation(&text);
  enum adze_status status =
      file_write_all(DOCUMENT, text.data, text.size, &error);
  if (status != ADZE_OK)
    fprintf(stderr, "%s\n", error.message);
  arena_destroy(arena);
  return status == ADZE_OK ? 0 : 1;
}

/* ---- Wrong models -------------------------------------------------------- */

#define DIMS(...) ((int64_t[]){__VA_ARGS__})

static void wrong_shapes(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_F32, 0, 1, 4, DIMS(1, 3, 8, 8));
  trial_input(&t, ADZE_F32, 0, 1, 4, DIMS(4, 5, 3, 3));
  trial_node(&t, "conv", 1);
  assert_fails(trial_infer(&t), t.error, ADZE_SHAPE,
               "has 3 channels where weights 'in_1' of shape [4, 5, 3, 3]");
  trial_end(&t);
  trial_begin(&t);
  trial_input(&t, ADZE_F32, 0, 1, 4, DIMS(1, 3, 2, 8));
  trial_input(&t, ADZE_F32, 0, 1, 4, DIMS(4, 3, 3, 3));
  trial_node(&t, "conv", 1);
  assert_fails(trial_infer(&t), t.error, ADZE_SHAPE,
               "dimension 2 of output 'conv' would be 0");
  trial_end(&t);
  trial_begin(&t);
  trial_input(&t, ADZE_F32, 0, 1, 2, DIMS(2, 3));
  trial_input(&t, ADZE_F32, 0, 1, 2, DIMS(2, 4));
  trial_node(&t, "add", 1);
  assert_fails(trial_infer(&t), t.error, ADZE_SHAPE,
               "dimension 1 must be equal, and are 3 and 4");
  trial_end(&t);
  trial_begin(&t);
  trial_input(&t, ADZE_F32, 0, 1, 2, DIMS(2, 3));
  trial_integers(&t, 2, DIMS(4, 4));
  trial_node(&t, "reshape", 1);
  assert_fails(trial_infer(&t), t.error, ADZE_SHAPE, "6 and 16");
  trial_end(&t);
}

static void wrong_nodes(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_F32, 0, 1, 2, DIMS(2, 3));
  trial_node(&t, "add", 1);
  assert_fails(trial_infer(&t), t.error, ADZE_INVALID_MODEL,
               "node 'add' (add): has 1 inputs; 2 expected");
  trial_node(&t, "concat", 1);
  assert_fails(trial_infer(&t), t.error, ADZE_INVALID_MODEL,
               "attribute 'axis' is missing");
  node_set_int(t.node, "axis", 2);
  assert_fails(trial_infer(&t), t.error, ADZE_INVALID_MODEL,
               "axis 2 is out of range for rank 2");
  trial_node(&t, "not", 1);
  assert_fails(trial_infer(&t), t.error, ADZE_INVALID_MODEL, "is float32");
  trial_end(&t);
}

/* ---- Open dimensions ----------------------------------------------------- */

static const struct expr *open_dim(struct trial *t, const char *name) {
  return expr_variable(t->graph->pool, graph_symbol(t->graph, name));
}

/* reshape(x, concat(shape(x)[0:1], [-1])) over an open batch. */
static void elements_are_followed(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t);
  struct graph *graph = t.graph;
  const struct expr *dims[3] = {open_dim(&t, "batch"),
                                expr_index(graph->pool, 3),
                                expr_index(graph->pool, 4)};
  struct value *x = graph_add_input(graph, "x", ADZE_F32, dims, 3);
  struct node *shape = graph_add_node(graph, &op_shape, "shape", &x, 1, 1);
  assert_ok(node_infer(graph, shape, &t.error), t.error);
  struct node *slice =
      graph_add_node(graph, &op_slice, "slice", shape->outputs, 1, 1);
  node_set_ints(graph, slice, "starts", DIMS(0), 1);
  node_set_ints(graph, slice, "ends", DIMS(1), 1);
  assert_ok(node_infer(graph, slice, &t.error), t.error);
  assert_ptr_equal(slice->outputs[0]->elements[0], dims[0]);
  struct value *parts[2] = {
      slice->outputs[0],
      graph_add_constant_data(graph, "rest", ADZE_I64, DIMS(1), 1, DIMS(-1))};
  struct node *concat =
      graph_add_node(graph, &op_concat, "concat", parts, 2, 1);
  node_set_int(concat, "axis", 0);
  assert_ok(node_infer(graph, concat, &t.error), t.error);
  struct value *inputs[2] = {x, concat->outputs[0]};
  struct node *reshape =
      graph_add_node(graph, &op_reshape, "reshape", inputs, 2, 1);
  assert_ok(node_infer(graph, reshape, &t.error), t.error);
  assert_ptr_equal(reshape->outputs[0]->dims[0], dims[0]);
  assert_int_equal(value_dim(reshape->outputs[0], 1), 12);
  assert_false(node_reads(reshape, 1));
  assert_int_equal(graph->constraints.count, 0);
  trial_end(&t);
}

static void open_dims_are_demanded_equal(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t);
  struct graph *graph = t.graph;
  const struct expr *a = open_dim(&t, "a"), *b = open_dim(&t, "b");
  struct value *pair[2] = {graph_add_input(graph, "x", ADZE_F32, &a, 1),
                           graph_add_input(graph, "y", ADZE_F32, &b, 1)};
  struct node *add = graph_add_node(graph, &op_add, "sum", pair, 2, 1);
  assert_ok(node_infer(graph, add, &t.error), t.error);
  assert_ok(node_infer(graph, add, &t.error), t.error);
  assert_int_equal(graph->constraints.count, 1); /* said once */
  assert_string_equal(graph->constraints.data[0].sentence,
                      "node 'sum' (add): the inputs' sizes of dimension 0 "
                      "must be equal");
  trial_end(&t);
}

/* The elements operator stores what was computed from shapes. */
static void elements_are_stored(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t);
  const struct expr *dim = expr_index(t.graph->pool, 3);
  const struct expr *list[3];
  for (int i = 0; i < 3; i++)
    list[i] = expr_real(t.graph->pool, ADZE_F32, 1.5 * i);
  struct value *value = graph_add_elements(t.graph, "numbers", ADZE_F32, &dim,
                                           1, list, 3);
  t.node = value->producer;
  trial_run(&t);
  for (size_t i = 0; i < 3; i++)
    trial_compare(&t, 0, i, 1.5 * (double)i, 0);
  trial_end(&t);
}

/* ---- Graphs -------------------------------------------------------------- */

static const char example[] =
    "graph \"exa\\\\mple\" {\n"
    "  symbol batch\n"
    "  input %0 \"x/0:1\": f32[batch, 3, 8, 8]\n"
    "  constant %1 \"w\": f32[4, 1, 1, 2] = [1.0, 2.0, 0.5, -1.0, 1.0, 2.0, "
    "0.25, inf]\n"
    "  node \"c\" %2 \"c\": f32[batch, 4, 8, 4] = conv(%0, %1, none), "
    "strides=[1, 2], pads=[0, 0, 0, 0], group=3\n"
    "  node \"e\" %3 \"e\": i64[2] = shape_elements(), elements=[batch, 128]\n"
    "  node \"r\" %4 \"out\": f32[batch, 128] = reshape(%2, %3)\n"
    "  output %4\n"
    "}\n";

static void parse_example(struct trial *t, const char *text) {
  trial_begin(t);
  assert_ok(graph_parse(t->arena, text, strlen(text), &t->graph, &t->error),
            t->error);
}

static void graphs_print_and_parse(void **state) {
  (void)state;
  char fitting[sizeof example];
  strcpy(fitting, example);
  memcpy(strstr(fitting, "group=3"), "group=1", 7);
  struct trial t;
  trial_begin(&t);
  assert_fails(graph_parse(t.arena, example, sizeof example - 1, &t.graph,
                           &t.error),
               t.error, ADZE_INVALID_DATA, "can't be split into 3 groups");
  trial_end(&t);
  char *channels = strstr(fitting, "f32[4, 1, 1, 2]");
  memcpy(channels, "f32[4, 3, 1, 2]", 15); /* needs more numbers */
  trial_begin(&t);
  assert_fails(graph_parse(t.arena, fitting, strlen(fitting), &t.graph,
                           &t.error),
               t.error, ADZE_INVALID_DATA, "line 4");
  trial_end(&t);
}

static const char round_trip[] =
    "graph \"g\" {\n"
    "  symbol batch\n"
    "  input %0 \"x/0:1\": f32[batch, 2, 8, 8]\n"
    "  constant %1 \"w\": f32[4, 2, 1, 1] = [1.0, 2.0, 0.5, -1.0, 1.0, 2.0, "
    "0.25, inf]\n"
    "  node \"c\" %2 \"c\": f32[batch, 4, 8, 4] = conv(%0, %1, none), "
    "strides=[1, 2]\n"
    "  node \"e\" %3 \"e\": i64[2] = shape_elements(), elements=[batch, 128]\n"
    "  node \"r\" %4 \"r\": f32[batch, 128] = reshape(%2, %3)\n"
    "  node \"s\" %5 \"\\\"s\\\"\": f32[batch, 28] = slice(%4), starts=[100], "
    "ends=[1000], axes=[1]\n"
    "  node \"l\" %6 \"out\": f32[batch, 28] = leaky_relu(%5), alpha=0.3\n"
    "  output %6\n"
    "}\n";

static void text_is_canonical(void **state) {
  (void)state;
  struct trial t;
  parse_example(&t, round_trip);
  struct text text = {.arena = t.arena};
  graph_print(&text, t.graph);
  assert_string_equal(text.data, round_trip);
  assert_ok(graph_verify(t.graph, &t.error), t.error);
  trial_end(&t);
}

static void sweep_drops_and_orders(void **state) {
  (void)state;
  struct trial t;
  parse_example(&t, round_trip);
  struct graph *graph = t.graph;
  struct node *last = graph->nodes.data[graph->nodes.count - 1];
  graph_add_node(graph, &op_relu, "dead", last->outputs, 1, 1);
  for (size_t i = 0, k = graph->nodes.count - 1; i < k; i++, k--) {
    struct node *node = graph->nodes.data[i];
    graph->nodes.data[i] = graph->nodes.data[k];
    graph->nodes.data[k] = node;
  }
  assert_fails(graph_verify(graph, &t.error), t.error, ADZE_INTERNAL,
               "before it is made");
  graph_sweep(graph);
  assert_int_equal(graph->nodes.count, 5);
  assert_ok(graph_verify(graph, &t.error), t.error);
  trial_end(&t);
}

static void replaced_outputs_keep_names(void **state) {
  (void)state;
  struct trial t;
  parse_example(&t, round_trip);
  struct graph *graph = t.graph;
  struct node *slice = graph->nodes.data[3], *leaky = graph->nodes.data[4];
  struct graph_rewrite rewrite = graph_rewrite_begin(graph);
  graph_rewrite_value(&rewrite, leaky->outputs[0], slice->outputs[0]);
  graph_rewrite_end(&rewrite);
  assert_ptr_equal(graph->outputs.data[0], slice->outputs[0]);
  assert_string_equal(graph->outputs.data[0]->name, "out");
  assert_int_equal(graph->nodes.count, 4);
  /* An input can't be an output itself. */
  struct value *x = graph->inputs.data[0];
  rewrite = graph_rewrite_begin(graph);
  graph_rewrite_value(&rewrite, slice->outputs[0], x);
  graph_rewrite_end(&rewrite);
  assert_string_equal(x->name, "x/0:1");
  assert_string_equal(graph->outputs.data[0]->name, "out");
  assert_ptr_equal(graph->outputs.data[0]->producer->op, &op_identity);
  assert_int_equal(graph->nodes.count, 1);
  assert_ok(graph_verify(graph, &t.error), t.error);
  trial_end(&t);
}

static void users_are_found(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t);
  struct operand *x = trial_input(&t, ADZE_F32, 0, 1, 1, DIMS(4));
  struct value *twice[2] = {x->value, x->value};
  struct node *add = graph_add_node(t.graph, &op_add, "add", twice, 2, 1);
  vec_push(t.arena, &t.graph->outputs, add->outputs[0]);
  struct graph_users users = graph_find_users(t.graph, t.arena);
  assert_int_equal(users.counts[x->value->id], 1);
  assert_ptr_equal(users.nodes[x->value->id][0], add);
  assert_true(users.is_output[add->outputs[0]->id]);
  assert_false(users.is_output[x->value->id]);
  trial_end(&t);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--update") == 0)
    return update_documentation();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elements_are_stored),
      cmocka_unit_test(every_operator_was_run),
      cmocka_unit_test(names_are_unique),
      cmocka_unit_test(documentation_is_current),
      cmocka_unit_test(wrong_shapes),
      cmocka_unit_test(wrong_nodes),
      cmocka_unit_test(elements_are_followed),
      cmocka_unit_test(open_dims_are_demanded_equal),
      cmocka_unit_test(graphs_print_and_parse),
      cmocka_unit_test(text_is_canonical),
      cmocka_unit_test(sweep_drops_and_orders),
      cmocka_unit_test(replaced_outputs_keep_names),
      cmocka_unit_test(users_are_found)};
  int failed = op_elementwise_tests() + op_neural_tests() + op_move_tests() +
               op_reduce_tests();
  return failed + cmocka_run_group_tests_name("operators", tests, NULL, NULL);
}
