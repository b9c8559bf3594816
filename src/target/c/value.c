/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions as C.
 *
 * A statement over vectors becomes one loop over lanes, in which vectors are
 * the scalars of lane l; scalar parts are computed before it. What is used more
 * than once gets a variable, the rest is written in place, so that the text
 * stays as small as the graph of expressions is. A select that guards loads
 * becomes an if, with what its arms need inside.
 *
 * Index arithmetic that is known not to overflow is written with operators,
 * everything else with the functions of support.c.
 */
#include "target/c/printer.h"

#include "ir/scalar.h"
#include "ir/simplify.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *c_type(enum adze_dtype dtype) {
  switch (dtype) {
  case ADZE_F32:
    return "f32";
  case ADZE_F64:
    return "f64";
  case ADZE_I8:
    return "i8";
  case ADZE_I16:
    return "i16";
  case ADZE_I32:
    return "i32";
  case ADZE_I64:
    return "i64";
  case ADZE_U8:
    return "u8";
  case ADZE_F16:
  case ADZE_BF16:
  case ADZE_U16:
    return "u16";
  case ADZE_U32:
    return "u32";
  case ADZE_U64:
    return "u64";
  case ADZE_BOOL:
    return "boolean";
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

void c_line(struct stream *stream, const char *format, ...) {
  char *line;
  va_list arguments;
  va_start(arguments, format);
  va_list again;
  va_copy(again, arguments);
  int size = vsnprintf(NULL, 0, format, arguments);
  check(size >= 0);
  line = arena_alloc(stream->text.arena, (size_t)size + 1);
  (void)vsnprintf(line, (size_t)size + 1, format, again);
  va_end(again);
  va_end(arguments);
  for (int i = 0; i < stream->indent; i++)
    text_add(&stream->text, "  ");
  text_add(&stream->text, line);
  text_add(&stream->text, "\n");
}

/* ---- Uses ---------------------------------------------------------------- */

static struct use *use_of(struct printer *printer, const struct expr *e) {
  struct use *use = map_get_key(&printer->uses, e->id);
  if (use != NULL)
    return use;
  use = ARENA_NEW(printer->arena, struct use);
  (void)map_set_key(&printer->uses, e->id, use);
  use->has_load = e->kind == EXPR_LOAD;
  for (size_t i = 0; i < e->arg_count; i++) {
    struct use *argument = use_of(printer, e->args[i]);
    argument->count++;
    use->has_load |= argument->has_load;
  }
  return use;
}

void c_value_begin(struct printer *printer, uint16_t lanes) {
  int indent = printer->out.indent + 1; /* in a block, if it needs one */
  printer->lanes = lanes;
  map_init(&printer->uses, printer->arena);
  printer->scalars =
      (struct stream){.text.arena = printer->arena, .indent = indent};
  printer->lane_body = (struct stream){.text.arena = printer->arena,
                                       .indent = indent + (lanes > 1)};
  printer->stream = &printer->lane_body;
  printer->guards = 0;
  printer->temporaries = 0;
}

void c_value_count(struct printer *printer, const struct expr *e) {
  use_of(printer, e)->count++;
}

bool c_value_has_load(struct printer *printer, const struct expr *e) {
  return use_of(printer, e)->has_load;
}

bool c_value_reads(const struct printer *printer, const struct expr *e,
                   const struct buffer *buffer) {
  if (e->kind == EXPR_LOAD &&
      (e->buffer == buffer ||
       (printer->is_aliased && buffer->scope == BUFFER_ARGUMENT &&
        e->buffer->scope == BUFFER_ARGUMENT)))
    return true;
  for (size_t i = 0; i < e->arg_count; i++)
    if (c_value_reads(printer, e->args[i], buffer))
      return true;
  return false;
}

/* ---- Leaves -------------------------------------------------------------- */

static const char *print_real(struct printer *printer, const struct expr *e) {
  struct arena *arena = printer->arena;
  bool is_single = e->dtype == ADZE_F32;
  if (e->dtype == ADZE_F16)
    return arena_printf(arena, "0x%x", (unsigned)scalar_to_half(e->real));
  if (e->dtype == ADZE_BF16)
    return arena_printf(arena, "0x%x", (unsigned)scalar_to_bfloat(e->real));
  if (isfinite(e->real))
    return arena_printf(arena,
                        e->real < 0 || signbit(e->real) ? "(%a%s)" : "%a%s",
                        e->real, is_single ? "f" : "");
  uint64_t top = is_single ? 0x7f800000u : 0x7ff0000000000000u;
  if (isnan(e->real))
    top += is_single ? 0x400000u : 0x8000000000000u;
  else if (e->real < 0)
    top |= is_single ? 0x80000000u : 0x8000000000000000u;
  return arena_printf(arena, "%s(0x%" PRIx64 "u)",
                      is_single ? "f32_bits_u32" : "f64_bits_u64", top);
}

static const char *print_integer(struct printer *printer,
                                 const struct expr *e) {
  struct arena *arena = printer->arena;
  int64_t value = e->integer;
  if (e->dtype == ADZE_U64)
    return arena_printf(arena, "UINT64_C(%" PRIu64 ")", (uint64_t)value);
  if (e->dtype == ADZE_U32)
    return arena_printf(arena, "%" PRId64 "u", value);
  if (value == INT64_MIN)
    return "INT64_MIN";
  if (value > INT32_MIN && value <= INT32_MAX)
    return arena_printf(arena, value < 0 ? "(%" PRId64 ")" : "%" PRId64, value);
  return arena_printf(arena, "INT64_C(%" PRId64 ")", value);
}

static const char *print_leaf(struct printer *printer, const struct expr *e) {
  if (e->kind == EXPR_INTEGER)
    return print_integer(printer, e);
  if (e->kind == EXPR_REAL)
    return print_real(printer, e);
  if (e->kind == EXPR_VARIABLE)
    return map_get_key(&printer->variable_names, e->variable->id);
  return arena_printf(printer->arena, e->lanes > 1 ? "x%u[l]" : "x%u",
                      (unsigned)e->local->id);
}

/* ---- Operators ----------------------------------------------------------- */

static const char *print_call(struct printer *printer, const char *function,
                              enum adze_dtype dtype, const struct expr *e) {
  const char *a = c_value_print(printer, e->args[0]);
  if (e->arg_count == 1)
    return arena_printf(printer->arena, "%s_%s(%s)", function, c_type(dtype),
                        a);
  const char *b = c_value_print(printer, e->args[1]);
  return arena_printf(printer->arena, "%s_%s(%s, %s)", function, c_type(dtype),
                      a, b);
}

static const char *print_infix(struct printer *printer, const char *operator,
                               const struct expr * e) {
  const char *a = c_value_print(printer, e->args[0]);
  const char *b = c_value_print(printer, e->args[1]);
  return arena_printf(printer->arena, "(%s %s %s)", a, operator, b);
}

/* Whether 64-bit arithmetic of e can't overflow. */
static bool is_bounded(const struct printer *printer, const struct expr *e) {
  if (e->dtype != ADZE_I64 || e->lanes > 1)
    return false;
  struct interval interval = simplify_interval(printer->function->pool, e);
  return interval.minimum > INT64_MIN / 4 && interval.maximum < INT64_MAX / 4;
}

static const char *infix_of(enum expr_kind kind) {
  static const struct {
    enum expr_kind kind;
    const char *text;
  } operators[] = {
      {EXPR_ADD, "+"},  {EXPR_SUB, "-"},         {EXPR_MUL, "*"},
      {EXPR_DIV, "/"},  {EXPR_AND, "&"},         {EXPR_OR, "|"},
      {EXPR_XOR, "^"},  {EXPR_EQUAL, "=="},      {EXPR_NOT_EQUAL, "!="},
      {EXPR_LESS, "<"}, {EXPR_LESS_EQUAL, "<="},
  };
  for (size_t i = 0; i < ARRAY_COUNT(operators); i++)
    if (operators[i].kind == kind)
      return operators[i].text;
  return NULL;
}

static const char *print_binary(struct printer *printer, const struct expr *e) {
  const char *infix = infix_of(e->kind);
  bool is_arithmetic = e->kind == EXPR_ADD || e->kind == EXPR_SUB ||
                       e->kind == EXPR_MUL || e->kind == EXPR_DIV;
  if (infix != NULL && !is_arithmetic) {
    const char *text = print_infix(printer, infix, e);
    return dtype_is_integer(e->dtype)
               ? arena_printf(printer->arena, "(%s)%s", c_type(e->dtype), text)
               : text;
  }
  if (infix != NULL && dtype_is_float(e->dtype))
    return print_infix(printer, infix, e);
  if (infix != NULL && e->kind != EXPR_DIV && is_bounded(printer, e) &&
      is_bounded(printer, e->args[0]) && is_bounded(printer, e->args[1]))
    return print_infix(printer, infix, e);
  return print_call(printer, expr_kind_name(e->kind), e->dtype, e);
}

static const char *print_unary(struct printer *printer, const struct expr *e) {
  const char *a;
  if (e->kind == EXPR_NOT) {
    a = c_value_print(printer, e->args[0]);
    return e->dtype == ADZE_BOOL
               ? arena_printf(printer->arena, "!%s", a)
               : arena_printf(printer->arena, "(%s)~%s", c_type(e->dtype), a);
  }
  if (e->kind == EXPR_NEGATE && dtype_is_float(e->dtype)) {
    a = c_value_print(printer, e->args[0]);
    return arena_printf(printer->arena, "(-%s)", a);
  }
  if (!dtype_is_float(e->dtype) && e->kind != EXPR_NEGATE &&
      e->kind != EXPR_ABS)
    return c_value_print(printer, e->args[0]); /* rounding of integers */
  return print_call(printer, expr_kind_name(e->kind), e->dtype, e);
}

static const char *print_cast(struct printer *printer, const struct expr *e) {
  enum adze_dtype from = e->args[0]->dtype, to = e->dtype;
  const char *a = c_value_print(printer, e->args[0]);
  check(from == to || (from != ADZE_F16 && from != ADZE_BF16));
  check(from == to || (to != ADZE_F16 && to != ADZE_BF16));
  if (from == to)
    return a;
  if (to == ADZE_BOOL)
    return arena_printf(printer->arena, "(%s != 0)", a);
  if (dtype_is_float(from) && !dtype_is_float(to))
    return arena_printf(printer->arena, "%s_from_%s(%s)", c_type(to),
                        c_type(from), a);
  return arena_printf(printer->arena, "(%s)%s", c_type(to), a);
}

static const char *print_bitcast(struct printer *printer,
                                 const struct expr *e) {
  enum adze_dtype from = e->args[0]->dtype, to = e->dtype;
  const char *a = c_value_print(printer, e->args[0]);
  bool is_real =
      from == ADZE_F32 || from == ADZE_F64 || to == ADZE_F32 || to == ADZE_F64;
  if (from == to)
    return a;
  if (to == ADZE_BOOL)
    return arena_printf(printer->arena, "(%s != 0)", a);
  if (!is_real)
    return arena_printf(printer->arena, "(%s)%s", c_type(to), a);
  return arena_printf(printer->arena, "%s_bits_%s(%s)", c_type(to),
                      c_type(from), a);
}

static const char *print_ramp(struct printer *printer, const struct expr *e) {
  const char *type = c_type(e->dtype);
  const char *base = c_value_print(printer, e->args[0]);
  int64_t stride;
  if (expr_get_integer(e->args[1], &stride) && stride == 1 &&
      is_bounded(printer, e->args[0]))
    return arena_printf(printer->arena, "(%s + l)", base);
  const char *step = c_value_print(printer, e->args[1]);
  return arena_printf(printer->arena, "add_%s(%s, mul_%s((%s)l, %s))", type,
                      base, type, type, step);
}

const char *c_value_element(struct printer *printer,
                            const struct buffer *buffer,
                            const struct expr *offset) {
  const char *name = map_get_key(&printer->buffer_names, buffer->id);
  const char *index = c_value_print(printer, offset);
  bool is_lane = printer->lanes > 1 && offset->lanes == 1;
  return arena_printf(printer->arena, is_lane ? "%s[%s + l]" : "%s[%s]", name,
                      index);
}

static const char *print_load(struct printer *printer, const struct expr *e) {
  const char *name = map_get_key(&printer->buffer_names, e->buffer->id);
  const char *index = c_value_print(printer, e->args[0]);
  bool is_lane = e->lanes > 1 && e->args[0]->lanes == 1;
  const char *element = arena_printf(
      printer->arena, is_lane ? "%s[%s + l]" : "%s[%s]", name, index);
  return e->dtype == ADZE_BOOL
             ? arena_printf(printer->arena, "(%s != 0)", element)
             : element;
}

/* ---- Select -------------------------------------------------------------- */

static const char *new_name(struct printer *printer) {
  return arena_printf(printer->arena, "t%u", (unsigned)printer->temporaries++);
}

/* One arm of an if; what it declares is forgotten at its end. */
static void print_arm(struct printer *printer, const char *name,
                      const struct expr *arm) {
  struct stream *stream = printer->stream;
  size_t outer = stream->declared.count;
  stream->indent++;
  printer->guards++;
  const char *value = c_value_print(printer, arm);
  c_line(stream, "%s = %s;", name, value);
  printer->guards--;
  stream->indent--;
  while (stream->declared.count > outer)
    stream->declared.data[--stream->declared.count]->name = NULL;
}

/* Whether printing e would print a load: those that a variable holds don't
 * count. `mark` is new for each question. */
static bool prints_load(struct printer *printer, const struct expr *e,
                        uint32_t mark) {
  struct use *use = use_of(printer, e);
  if (!use->has_load || use->name != NULL || use->mark == mark)
    return false;
  use->mark = mark;
  if (e->kind == EXPR_LOAD)
    return true;
  for (size_t i = 0; i < e->arg_count; i++)
    if (prints_load(printer, e->args[i], mark))
      return true;
  return false;
}

static const char *print_select(struct printer *printer, const struct expr *e) {
  const char *condition = c_value_print(printer, e->args[0]);
  uint32_t mark = ++printer->mark;
  if (!prints_load(printer, e->args[1], mark) &&
      !prints_load(printer, e->args[2], mark)) {
    const char *yes = c_value_print(printer, e->args[1]);
    const char *no = c_value_print(printer, e->args[2]);
    return arena_printf(printer->arena, "(%s ? %s : %s)", condition, yes, no);
  }
  const char *name = new_name(printer);
  struct stream *stream = printer->stream;
  c_line(stream, "%s %s;", c_type(e->dtype), name);
  c_line(stream, "if (%s) {", condition);
  print_arm(printer, name, e->args[1]);
  c_line(stream, "} else {");
  print_arm(printer, name, e->args[2]);
  c_line(stream, "}");
  printer->variable = name;
  return name;
}

/* ---- All kinds ----------------------------------------------------------- */

static const char *print_inner(struct printer *printer, const struct expr *e) {
  if (expr_kind_is_binary(e->kind) || expr_kind_is_compare(e->kind))
    return print_binary(printer, e);
  if (e->kind == EXPR_CAST)
    return print_cast(printer, e);
  if (e->kind == EXPR_BITCAST)
    return print_bitcast(printer, e);
  if (e->kind == EXPR_SELECT)
    return print_select(printer, e);
  if (e->kind == EXPR_LOAD)
    return print_load(printer, e);
  if (e->kind == EXPR_RAMP)
    return print_ramp(printer, e);
  if (e->kind == EXPR_BROADCAST)
    return c_value_print(printer, e->args[0]);
  /* There is no FMA: a portable machine has none, so lower makes none. */
  check(expr_kind_is_unary(e->kind));
  return print_unary(printer, e);
}

/* Where e is computed: scalars before the loop over lanes, unless a condition
 * in it guards their loads. */
static struct stream *stream_of(struct printer *printer, const struct expr *e,
                                const struct use *use) {
  if (printer->lanes > 1 && e->lanes == 1 &&
      (!use->has_load || printer->guards == 0))
    return &printer->scalars;
  return printer->stream;
}

const char *c_value_print(struct printer *printer, const struct expr *e) {
  if (e->kind == EXPR_INTEGER || e->kind == EXPR_REAL ||
      e->kind == EXPR_VARIABLE || e->kind == EXPR_LOCAL)
    return print_leaf(printer, e);
  struct use *use = use_of(printer, e);
  if (use->name != NULL)
    return use->name;
  struct stream *here = printer->stream;
  struct stream *stream = stream_of(printer, e, use);
  printer->stream = stream;
  const char *value = print_inner(printer, e);
  bool is_variable = value == printer->variable;
  bool is_shared = use->count > 1 && e->kind != EXPR_BROADCAST;
  if (!is_variable && (is_shared || stream != here)) {
    const char *name = new_name(printer);
    c_line(stream, "const %s %s = %s;", c_type(e->dtype), name, value);
    value = name;
    is_variable = true;
  }
  if (is_variable) {
    use->name = value;
    vec_push(printer->arena, &stream->declared, use);
  }
  printer->stream = here;
  return value;
}
