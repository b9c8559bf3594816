/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs from text (op/graph_print.c). Takes any bytes. Types that stand in the
 * text are compared with what inference finds, so a graph that parses is a
 * well-formed one. */
#include "op/op.h"

#include "ir/loop_parse.h"
#include "ir/loop_words.h"
#include "ir/scalar.h"
#include "ir/simplify.h"
#include "op/infer.h"

#include <string.h>

enum {
  VALUE_LIMIT = 1 << 20,
  CONSTANT_LIMIT = 1 << 26, /* bytes of all constants together */
  LIST_LIMIT = 1 << 16
};

struct graph_parser {
  struct parser base;
  struct graph *graph;
  VEC(struct value *) values; /* by number */
  size_t constant_bytes;
};

/* What stands for a value before it is in the graph. */
struct value_text {
  const char *name;
  enum adze_dtype dtype;
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t rank;
};

static enum adze_status parse_string(struct parser *p, const char **out) {
  if (p->token.kind != TOKEN_STRING)
    return parse_fail(p, "expected a string, found '%s'", p->token.text);
  *out = p->token.string;
  return parse_next(p);
}

/* One real number, as printed. */
static enum adze_status parse_number(struct parser *p, double *out) {
  char text[sizeof p->token.text + 1] = "-";
  bool is_negative;
  TRY(parse_accept(p, "-", &is_negative));
  memcpy(text + is_negative, p->token.text, sizeof p->token.text);
  if (parse_at(p, "inf") || parse_at(p, "nan"))
    *out = parse_at(p, "nan")
               ? __builtin_nan("")
               : (is_negative ? -__builtin_inf() : __builtin_inf());
  else if ((p->token.kind != TOKEN_INTEGER && p->token.kind != TOKEN_REAL) ||
           !string_to_double(text, out))
    return parse_fail(p, "'%s' is not a number", p->token.text);
  return parse_next(p);
}

/* ---- Values -------------------------------------------------------------- */

static enum adze_status parse_value(struct graph_parser *p,
                                    struct value_text *out) {
  struct parser *base = &p->base;
  int64_t number;
  bool is_end;
  *out = (struct value_text){0};
  TRY(parse_expect(base, "%"));
  TRY(parse_integer(base, 0, VALUE_LIMIT, &number));
  TRY(parse_string(base, &out->name));
  if (map_get(&p->graph->value_names, out->name) != NULL)
    return parse_fail(base, "the value '%s' is there already", out->name);
  TRY(parse_expect(base, ":"));
  TRY(parse_dtype(base, &out->dtype));
  TRY(parse_expect(base, "["));
  TRY(parse_accept(base, "]", &is_end));
  while (!is_end) {
    if (out->rank == GRAPH_MAX_RANK)
      return parse_fail(base, "more than %d dimensions", GRAPH_MAX_RANK);
    TRY(parse_scalar(base, ADZE_I64, &out->dims[out->rank]));
    out->dims[out->rank] = simplify(base->pool, out->dims[out->rank]);
    out->rank++;
    TRY(parse_accept(base, "]", &is_end));
    if (!is_end)
      TRY(parse_expect(base, ","));
  }
  return ADZE_OK;
}

/* The value gets the next number, whatever the text says. */
static void number_value(struct graph_parser *p, struct value *value) {
  vec_push(p->base.arena, &p->values, value);
}

static enum adze_status parse_reference(struct graph_parser *p,
                                        struct value **out) {
  int64_t number;
  TRY(parse_expect(&p->base, "%"));
  TRY(parse_integer(&p->base, 0, VALUE_LIMIT, &number));
  if ((size_t)number >= p->values.count)
    return parse_fail(&p->base, "there is no value %%%lld before",
                      (long long)number);
  *out = p->values.data[number];
  return ADZE_OK;
}

static enum adze_status parse_input(struct graph_parser *p) {
  struct value_text text;
  TRY(parse_value(p, &text));
  number_value(p, graph_add_input(p->graph, text.name, text.dtype, text.dims,
                                  text.rank));
  return ADZE_OK;
}

static enum adze_status parse_elements(struct graph_parser *p,
                                       struct constant *constant,
                                       uint8_t *data) {
  size_t bytes = dtype_bits(constant->dtype) / 8;
  TRY(parse_expect(&p->base, "["));
  for (size_t i = 0; i < constant->count; i++) {
    const struct expr *element;
    if (i > 0)
      TRY(parse_expect(&p->base, ","));
    TRY(parse_scalar(&p->base, constant->dtype, &element));
    union scalar scalar;
    if (element->kind == EXPR_INTEGER)
      scalar.integer = element->integer;
    else if (element->kind == EXPR_REAL)
      scalar.real = element->real;
    else
      return parse_fail(&p->base, "expected a number");
    scalar_store(constant->dtype, data + i * bytes, scalar);
  }
  return parse_expect(&p->base, "]");
}

static enum adze_status parse_constant(struct graph_parser *p) {
  struct value_text text;
  const char *hash;
  bool has_hash;
  TRY(parse_value(p, &text));
  struct constant constant = {
      .dtype = text.dtype, .rank = text.rank, .count = 1};
  for (size_t i = 0; i < text.rank; i++)
    if (!expr_get_integer(text.dims[i], &constant.dims[i]) ||
        constant.dims[i] < 0 ||
        !size_mul(constant.count, (size_t)constant.dims[i], &constant.count))
      return parse_fail(&p->base, "a constant has an impossible shape");
  if (!size_mul(constant.count, dtype_bits(constant.dtype) / 8,
                &constant.bytes) ||
      constant.bytes > CONSTANT_LIMIT - p->constant_bytes)
    return parse_fail(&p->base, "the constants are larger than %d bytes",
                      CONSTANT_LIMIT);
  p->constant_bytes += constant.bytes;
  uint8_t *data = arena_alloc(p->base.arena, constant.bytes + 1);
  constant.data = data;
  TRY(parse_accept(&p->base, "hash", &has_hash));
  if (has_hash) {
    TRY(parse_string(&p->base, &hash));
  } else {
    TRY(parse_expect(&p->base, "="));
    TRY(parse_elements(p, &constant, data));
  }
  number_value(p, graph_add_constant(p->graph, text.name, &constant));
  return ADZE_OK;
}

/* ---- Attributes ---------------------------------------------------------- */

struct numbers {
  VEC(double) reals;
  VEC(int64_t) integers;
};

static enum adze_status parse_list(struct graph_parser *p, bool are_integers,
                                   struct numbers *out) {
  bool is_end;
  TRY(parse_expect(&p->base, "["));
  TRY(parse_accept(&p->base, "]", &is_end));
  while (!is_end) {
    double real = 0;
    int64_t integer = 0;
    if (are_integers)
      TRY(parse_integer(&p->base, INT64_MIN, INT64_MAX, &integer));
    else
      TRY(parse_number(&p->base, &real));
    vec_push(p->base.arena, &out->reals, real);
    vec_push(p->base.arena, &out->integers, integer);
    if (out->reals.count > LIST_LIMIT)
      return parse_fail(&p->base, "a list is longer than %d", LIST_LIMIT);
    TRY(parse_accept(&p->base, "]", &is_end));
    if (!is_end)
      TRY(parse_expect(&p->base, ","));
  }
  return ADZE_OK;
}

static enum adze_status parse_setting(struct graph_parser *p,
                                      struct node *node,
                                      const struct attribute_desc *desc) {
  struct numbers numbers = {0};
  int64_t integer;
  double real;
  const char *string = NULL;
  switch (desc->kind) {
  case ATTRIBUTE_INT:
    TRY(parse_integer(&p->base, INT64_MIN, INT64_MAX, &integer));
    node_set_int(node, desc->name, integer);
    return ADZE_OK;
  case ATTRIBUTE_FLOAT:
    TRY(parse_number(&p->base, &real));
    node_set_float(node, desc->name, real);
    return ADZE_OK;
  case ATTRIBUTE_STRING:
    TRY(parse_string(&p->base, &string));
    node_set_string(p->graph, node, desc->name, string);
    return ADZE_OK;
  case ATTRIBUTE_INTS:
    TRY(parse_list(p, true, &numbers));
    node_set_ints(p->graph, node, desc->name, numbers.integers.data,
                  numbers.integers.count);
    return ADZE_OK;
  case ATTRIBUTE_FLOATS:
    TRY(parse_list(p, false, &numbers));
    node_set_floats(p->graph, node, desc->name, numbers.reals.data,
                    numbers.reals.count);
    return ADZE_OK;
  }
  unreachable();
}

/* shape_elements keeps its numbers at its output. */
static enum adze_status parse_value_elements(struct graph_parser *p,
                                             const struct value_text *text,
                                             struct value *value) {
  enum adze_dtype dtype =
      dtype_is_integer(text->dtype) ? ADZE_I64 : text->dtype;
  VEC(const struct expr *) list = {0};
  bool is_end;
  TRY(parse_expect(&p->base, "["));
  TRY(parse_accept(&p->base, "]", &is_end));
  while (!is_end) {
    const struct expr *element;
    TRY(parse_scalar(&p->base, dtype, &element));
    vec_push(p->base.arena, &list, element);
    TRY(parse_accept(&p->base, "]", &is_end));
    if (!is_end)
      TRY(parse_expect(&p->base, ","));
  }
  value->dtype = text->dtype;
  value->rank = text->rank;
  for (size_t i = 0; i < text->rank; i++)
    value->dims[i] = text->dims[i];
  value->elements = list.count > 0 ? list.data : NULL;
  value->element_count = list.count;
  return ADZE_OK;
}

static enum adze_status parse_attributes(struct graph_parser *p,
                                         struct node *node,
                                         const struct value_text *outputs) {
  bool goes_on;
  for (;;) {
    TRY(parse_accept(&p->base, ",", &goes_on));
    if (!goes_on)
      return ADZE_OK;
    char name[sizeof p->base.token.text];
    memcpy(name, p->base.token.text, sizeof name);
    const struct attribute_desc *desc = node->op->attributes;
    while (desc != NULL && desc->name != NULL && strcmp(desc->name, name) != 0)
      desc++;
    bool is_elements =
        node->op == &op_shape_elements && strcmp(name, "elements") == 0;
    if (!is_elements && (desc == NULL || desc->name == NULL))
      return parse_fail(&p->base, "%s has no attribute '%s'", node->op->name,
                        name);
    TRY(parse_next(&p->base));
    TRY(parse_expect(&p->base, "="));
    if (is_elements)
      TRY(parse_value_elements(p, outputs, node->outputs[0]));
    else
      TRY(parse_setting(p, node, desc));
  }
}

/* ---- Nodes --------------------------------------------------------------- */

static enum adze_status parse_arguments(struct graph_parser *p,
                                        struct value ***out, size_t *count) {
  VEC(struct value *) inputs = {0};
  bool is_end, is_none;
  TRY(parse_expect(&p->base, "("));
  TRY(parse_accept(&p->base, ")", &is_end));
  while (!is_end) {
    struct value *input = NULL;
    TRY(parse_accept(&p->base, "none", &is_none));
    if (!is_none)
      TRY(parse_reference(p, &input));
    vec_push(p->base.arena, &inputs, input);
    TRY(parse_accept(&p->base, ")", &is_end));
    if (!is_end)
      TRY(parse_expect(&p->base, ","));
  }
  *out = inputs.data;
  *count = inputs.count;
  return ADZE_OK;
}

static enum adze_status check_output(struct graph_parser *p,
                                     const struct value_text *text,
                                     const struct value *value) {
  bool is_same = text->dtype == value->dtype && text->rank == value->rank;
  for (size_t i = 0; is_same && i < text->rank; i++)
    is_same = text->dims[i] == value->dims[i];
  if (is_same)
    return ADZE_OK;
  return parse_fail(&p->base, "'%s' is %s%s", value->name,
                    dtype_name(value->dtype),
                    value_dims_text(p->base.arena, value));
}

static enum adze_status parse_node(struct graph_parser *p) {
  VEC(struct value_text) outputs = {0};
  const char *name = NULL;
  bool goes_on = true;
  TRY(parse_string(&p->base, &name));
  while (goes_on) {
    struct value_text text;
    TRY(parse_value(p, &text));
    vec_push(p->base.arena, &outputs, text);
    TRY(parse_accept(&p->base, ",", &goes_on));
  }
  TRY(parse_expect(&p->base, "="));
  const struct op_def *op =
      p->base.token.kind == TOKEN_WORD ? op_find(p->base.token.text) : NULL;
  if (op == NULL)
    return parse_fail(&p->base, "there is no operator '%s'",
                      p->base.token.text);
  TRY(parse_next(&p->base));
  struct value **inputs;
  size_t input_count;
  TRY(parse_arguments(p, &inputs, &input_count));
  struct node *node = graph_add_node(p->graph, op, name, inputs, input_count,
                                     outputs.count);
  TRY(parse_attributes(p, node, outputs.data));
  struct adze_error error;
  if (node_infer(p->graph, node, &error) != ADZE_OK)
    return parse_fail(&p->base, "%s", error.message);
  for (size_t i = 0; i < outputs.count; i++) {
    TRY(check_output(p, &outputs.data[i], node->outputs[i]));
    graph_rename_value(p->graph, node->outputs[i], outputs.data[i].name);
    number_value(p, node->outputs[i]);
  }
  return ADZE_OK;
}

/* ---- The graph ----------------------------------------------------------- */

static enum adze_status parse_symbol(struct graph_parser *p) {
  const char *name;
  TRY(parse_word(&p->base, &name));
  struct variable *symbol = graph_symbol(p->graph, name);
  if (map_set(&p->base.variables, name, symbol) != NULL)
    return parse_fail(&p->base, "the symbol %s is there already", name);
  return ADZE_OK;
}

static enum adze_status parse_require(struct graph_parser *p) {
  struct constraint constraint;
  TRY(parse_scalar(&p->base, ADZE_BOOL, &constraint.condition));
  TRY(parse_string(&p->base, &constraint.sentence));
  constraint.condition = simplify(p->base.pool, constraint.condition);
  for (size_t i = 0; i < p->graph->constraints.count; i++)
    if (p->graph->constraints.data[i].condition == constraint.condition)
      return ADZE_OK; /* inference found it too */
  vec_push(p->graph->arena, &p->graph->constraints, constraint);
  return ADZE_OK;
}

static enum adze_status parse_output(struct graph_parser *p) {
  struct value *value;
  TRY(parse_reference(p, &value));
  vec_push(p->graph->arena, &p->graph->outputs, value);
  return ADZE_OK;
}

static enum adze_status parse_line(struct graph_parser *p) {
  static const struct {
    const char *word;
    enum adze_status (*parse)(struct graph_parser *p);
  } lines[] = {
      {"symbol", parse_symbol},     {"input", parse_input},
      {"constant", parse_constant}, {"node", parse_node},
      {"require", parse_require},   {"output", parse_output},
  };
  if (p->values.count > VALUE_LIMIT)
    return parse_fail(&p->base, "more than %d values", VALUE_LIMIT);
  for (size_t i = 0; i < ARRAY_COUNT(lines); i++)
    if (parse_at(&p->base, lines[i].word)) {
      TRY(parse_next(&p->base));
      return lines[i].parse(p);
    }
  return parse_fail(&p->base, "expected a line of a graph, found '%s'",
                    p->base.token.text);
}

enum adze_status graph_parse(struct arena *arena, const char *data,
                             size_t size, struct graph **out,
                             struct adze_error *error) {
  struct graph_parser p = {
      .base = {.arena = arena,
               .at = data,
               .end = data + size,
               .line = 1,
               .column = 1,
               .error = error}};
  const char *name = NULL;
  bool is_end;
  map_init(&p.base.variables, arena);
  map_init(&p.base.buffers, arena);
  map_init(&p.base.locals, arena);
  map_init(&p.base.stages, arena);
  TRY(parse_next(&p.base));
  TRY(parse_expect(&p.base, "graph"));
  TRY(parse_string(&p.base, &name));
  p.graph = graph_create(arena, name);
  p.base.pool = p.graph->pool;
  TRY(parse_expect(&p.base, "{"));
  for (;;) {
    TRY(parse_accept(&p.base, "}", &is_end));
    if (is_end)
      break;
    TRY(parse_line(&p));
  }
  if (p.base.token.kind != TOKEN_END)
    return parse_fail(&p.base, "expected the end, found '%s'",
                      p.base.token.text);
  *out = p.graph;
  return ADZE_OK;
}
