/* SPDX-License-Identifier: Apache-2.0 */
/* The graph's values: making them, naming them, asking about them.
 *
 * Names are for people and for binding inputs and outputs, so they are unique
 * but never looked at by passes. A constant keeps pointing at the bytes it was
 * made from, which usually are the mapped model file; small integer constants
 * also get their elements as expressions, so that whatever computes shapes
 * need not tell a constant from a computed shape.
 *
 * What needs the operator table (nodes, attributes, inference, text) is in
 * src/op, since this layer does not know it.
 */
#include "ir/graph.h"

#include "ir/scalar.h"

enum { ELEMENTS_OF_INTEGERS = 256, ELEMENTS_OF_REALS = 16 };

struct graph *graph_create(struct arena *arena, const char *name) {
  struct graph *graph = ARENA_NEW(arena, struct graph);
  graph->arena = arena;
  graph->pool = expr_pool_create(arena);
  graph->name = arena_strdup(arena, name);
  map_init(&graph->value_names, arena);
  return graph;
}

struct variable *graph_symbol(struct graph *graph, const char *name) {
  for (size_t i = 0; i < graph->symbols.count; i++)
    if (string_equal(graph->symbols.data[i]->name, name))
      return graph->symbols.data[i];
  struct variable *symbol = variable_new(graph->pool, name, NULL);
  symbol->minimum = 1;
  symbol->symbol = (int32_t)graph->symbols.count;
  vec_push(graph->arena, &graph->symbols, symbol);
  return symbol;
}

/* ---- Values -------------------------------------------------------------- */

static const char *free_name(struct graph *graph, const char *wanted) {
  if (wanted != NULL && map_get(&graph->value_names, wanted) == NULL)
    return arena_strdup(graph->arena, wanted);
  uint32_t number = graph->value_count;
  for (;; number++) {
    const char *name =
        wanted != NULL ? arena_printf(graph->arena, "%s_%u", wanted, number)
                       : arena_printf(graph->arena, "value_%u", number);
    if (map_get(&graph->value_names, name) == NULL)
      return name;
  }
}

struct value *graph_add_value(struct graph *graph, const char *name) {
  struct value *value = ARENA_NEW(graph->arena, struct value);
  value->name = free_name(graph, name);
  value->id = graph->value_count++;
  map_set(&graph->value_names, value->name, value);
  return value;
}

void graph_rename_value(struct graph *graph, struct value *value,
                        const char *name) {
  if (string_equal(value->name, name))
    return;
  struct value *holder = map_get(&graph->value_names, name);
  map_set(&graph->value_names, value->name, NULL);
  if (holder != NULL) {
    holder->name = free_name(graph, name);
    map_set(&graph->value_names, holder->name, holder);
  }
  value->name = arena_strdup(graph->arena, name);
  map_set(&graph->value_names, value->name, value);
}

struct value *graph_add_input(struct graph *graph, const char *name,
                              enum adze_dtype dtype,
                              const struct expr *const *dims, size_t rank) {
  check(rank <= GRAPH_MAX_RANK);
  struct value *value = graph_add_value(graph, name);
  value->dtype = dtype;
  value->rank = rank;
  for (size_t i = 0; i < rank; i++)
    value->dims[i] = dims[i];
  vec_push(graph->arena, &graph->inputs, value);
  return value;
}

static void set_constant_elements(struct graph *graph, struct value *value) {
  const struct constant *constant = value->constant;
  bool is_float = dtype_is_float(constant->dtype);
  if (constant->count > (is_float ? ELEMENTS_OF_REALS : ELEMENTS_OF_INTEGERS))
    return;
  const struct expr **elements =
      ARENA_ARRAY(graph->arena, const struct expr *, constant->count + 1);
  for (size_t i = 0; i < constant->count; i++) {
    if (is_float)
      elements[i] = expr_real(graph->pool, constant->dtype,
                              constant_real(constant, i));
    else if (constant->dtype == ADZE_BOOL)
      elements[i] = expr_bool(graph->pool, constant_integer(constant, i) != 0);
    else
      elements[i] = expr_index(graph->pool, constant_integer(constant, i));
  }
  value->elements = elements;
  value->element_count = constant->count;
}

struct value *graph_add_constant(struct graph *graph, const char *name,
                                 const struct constant *constant) {
  struct value *value = graph_add_value(graph, name);
  value->dtype = constant->dtype;
  value->rank = constant->rank;
  for (size_t i = 0; i < constant->rank; i++)
    value->dims[i] = expr_index(graph->pool, constant->dims[i]);
  value->constant =
      arena_copy(graph->arena, constant, sizeof(struct constant));
  set_constant_elements(graph, value);
  return value;
}

static struct constant dense_constant(enum adze_dtype dtype,
                                      const int64_t *dims, size_t rank) {
  check(rank <= GRAPH_MAX_RANK);
  struct constant constant = {.dtype = dtype, .rank = rank, .count = 1};
  for (size_t i = 0; i < rank; i++) {
    check(dims[i] >= 0 &&
          size_mul(constant.count, (size_t)dims[i], &constant.count));
    constant.dims[i] = dims[i];
  }
  check(size_mul(constant.count, dtype_bits(dtype) / 8, &constant.bytes));
  return constant;
}

struct value *graph_add_constant_borrowed(struct graph *graph, const char *name,
                                          enum adze_dtype dtype,
                                          const int64_t *dims, size_t rank,
                                          const void *data) {
  struct constant constant = dense_constant(dtype, dims, rank);
  constant.data = data;
  return graph_add_constant(graph, name, &constant);
}

struct value *graph_add_constant_data(struct graph *graph, const char *name,
                                      enum adze_dtype dtype,
                                      const int64_t *dims, size_t rank,
                                      const void *data) {
  struct constant constant = dense_constant(dtype, dims, rank);
  constant.data = arena_copy(graph->arena, data, constant.bytes);
  return graph_add_constant(graph, name, &constant);
}

/* ---- Asking -------------------------------------------------------------- */

int64_t value_dim(const struct value *value, size_t axis) {
  check(axis < value->rank);
  int64_t dim;
  return expr_get_integer(value->dims[axis], &dim) ? dim : -1;
}

bool value_is_static(const struct value *value) {
  for (size_t i = 0; i < value->rank; i++)
    if (value_dim(value, i) < 0)
      return false;
  return true;
}

bool value_count(const struct value *value, size_t *out) {
  size_t count = 1;
  for (size_t i = 0; i < value->rank; i++) {
    int64_t dim = value_dim(value, i);
    if (dim < 0 || !size_mul(count, (size_t)dim, &count))
      return false;
  }
  *out = count;
  return true;
}

bool value_same_shape(const struct value *a, const struct value *b) {
  if (a->rank != b->rank)
    return false;
  for (size_t i = 0; i < a->rank; i++)
    if (a->dims[i] != b->dims[i])
      return false;
  return true;
}

double constant_real(const struct constant *constant, size_t index) {
  check(index < constant->count);
  size_t bytes = dtype_bits(constant->dtype) / 8;
  union scalar scalar = scalar_load(
      constant->dtype, (const char *)constant->data + index * bytes);
  if (dtype_is_float(constant->dtype))
    return scalar.real;
  return constant->dtype == ADZE_U64 ? (double)(uint64_t)scalar.integer
                                     : (double)scalar.integer;
}

int64_t constant_integer(const struct constant *constant, size_t index) {
  check(index < constant->count);
  size_t bytes = dtype_bits(constant->dtype) / 8;
  union scalar scalar = scalar_load(
      constant->dtype, (const char *)constant->data + index * bytes);
  return scalar_cast(ADZE_I64, constant->dtype, scalar).integer;
}

/* ---- Users --------------------------------------------------------------- */

static void count_users(const struct graph *graph, struct graph_users *users) {
  for (size_t i = 0; i < graph->nodes.count; i++) {
    const struct node *node = graph->nodes.data[i];
    for (size_t k = 0; k < node->input_count; k++)
      if (node->inputs[k] != NULL)
        users->counts[node->inputs[k]->id]++;
  }
}

static void add_user(struct graph_users *users, const struct value *value,
                     struct node *node) {
  size_t *count = &users->counts[value->id];
  if (*count > 0 && users->nodes[value->id][*count - 1] == node)
    return; /* x + x uses x once */
  users->nodes[value->id][(*count)++] = node;
}

struct graph_users graph_find_users(const struct graph *graph,
                                    struct arena *arena) {
  size_t values = graph->value_count;
  struct graph_users users = {
      .nodes = ARENA_ARRAY(arena, struct node **, values + 1),
      .counts = ARENA_ARRAY(arena, size_t, values + 1),
      .is_output = ARENA_ARRAY(arena, bool, values + 1),
  };
  count_users(graph, &users);
  for (size_t i = 0; i < values; i++)
    if (users.counts[i] > 0) {
      users.nodes[i] = ARENA_ARRAY(arena, struct node *, users.counts[i]);
      users.counts[i] = 0;
    }
  for (size_t i = 0; i < graph->nodes.count; i++) {
    struct node *node = graph->nodes.data[i];
    for (size_t k = 0; k < node->input_count; k++)
      if (node->inputs[k] != NULL)
        add_user(&users, node->inputs[k], node);
  }
  for (size_t i = 0; i < graph->outputs.count; i++)
    users.is_output[graph->outputs.data[i]->id] = true;
  return users;
}

struct node *graph_only_user(const struct graph_users *users,
                             const struct value *value) {
  return users->counts[value->id] == 1 && !users->is_output[value->id]
             ? users->nodes[value->id][0]
             : NULL;
}

size_t graph_constant_bytes(const struct graph *graph) {
  size_t bytes = 0;
  for (size_t i = 0; i < graph->nodes.count; i++) {
    const struct node *node = graph->nodes.data[i];
    for (size_t k = 0; k < node->input_count; k++)
      if (node->inputs[k] && node->inputs[k]->constant)
        bytes += node->inputs[k]->constant->bytes;
  }
  return bytes;
}
