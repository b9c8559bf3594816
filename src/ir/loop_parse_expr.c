/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions from text, by precedence. Arguments are checked before a maker
 * sees them, since makers take wrong ones for a fault of ours. */
#include "ir/loop_parse.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "ir/loop_words.h"

static enum adze_status parse_strength(struct parser *p, int strength,
                                       const struct expr **out);

/* ---- Makers that check first -------------------------------------------- */

static enum adze_status make(struct parser *p, enum expr_kind kind,
                             enum adze_dtype dtype, uint16_t lanes,
                             const struct expr *const *args, size_t count,
                             const struct expr **out) {
  const char *wrong = arguments_wrong(kind, dtype, args, count);
  if (wrong != NULL)
    return parse_fail(p, "%s %s", expr_kind_name(kind), wrong);
  struct expr_pool *pool = p->pool;
  switch ((int)kind) {
  case EXPR_CAST:
    *out = expr_cast(pool, dtype, args[0]);
    break;
  case EXPR_BITCAST:
    *out = expr_bitcast(pool, dtype, args[0]);
    break;
  case EXPR_RAMP:
    *out = expr_ramp(pool, args[0], args[1], lanes);
    break;
  case EXPR_BROADCAST:
    *out = expr_broadcast(pool, args[0], lanes);
    break;
  case EXPR_SELECT:
    *out = expr_select(pool, args[0], args[1], args[2]);
    break;
  case EXPR_FMA:
    *out = expr_fma(pool, args[0], args[1], args[2]);
    break;
  default:
    *out = count == 1 ? expr_unary(pool, kind, args[0])
                      : expr_binary(pool, kind, args[0], args[1]);
  }
  return ADZE_OK;
}

/* ---- Constants ---------------------------------------------------------- */

static enum adze_status parse_suffix(struct parser *p, enum adze_dtype *dtype) {
  /* In b[5 : 16] the colon belongs to the load. */
  if (!parse_at(p, ":") || p->at == p->end)
    return ADZE_OK;
  struct parser ahead = *p;
  struct adze_error ignored;
  ahead.error = &ignored;
  if (parse_next(&ahead) != ADZE_OK || ahead.token.kind != TOKEN_WORD)
    return ADZE_OK;
  TRY(parse_next(p));
  return parse_dtype(p, dtype);
}

static enum adze_status parse_real(struct parser *p, bool is_negative,
                                   const struct expr **out) {
  double value;
  if (parse_at(p, "inf"))
    value = INFINITY;
  else if (parse_at(p, "nan"))
    value = NAN;
  else if (!string_to_double(p->token.text, &value))
    return parse_fail(p, "%s is no number", p->token.text);
  TRY(parse_next(p));
  enum adze_dtype dtype = ADZE_F32;
  TRY(parse_suffix(p, &dtype));
  if (!dtype_is_float(dtype))
    return parse_fail(p, "a real constant can't be %s", dtype_word(dtype));
  *out = expr_real(p->pool, dtype, is_negative ? -value : value);
  return ADZE_OK;
}

static enum adze_status parse_whole(struct parser *p, bool is_negative,
                                    const struct expr **out) {
  char text[sizeof p->token.text + 1] = "-";
  int64_t value;
  memcpy(text + is_negative, p->token.text, sizeof p->token.text);
  if (!string_to_int64(text, &value))
    return parse_fail(p, "%s has more than 64 bits", text);
  TRY(parse_next(p));
  enum adze_dtype dtype = ADZE_I64;
  TRY(parse_suffix(p, &dtype));
  if (!dtype_is_integer(dtype))
    return parse_fail(p, "a whole constant can't be %s", dtype_word(dtype));
  *out = expr_integer(p->pool, dtype, value);
  return ADZE_OK;
}

static enum adze_status parse_constant(struct parser *p,
                                       const struct expr **out) {
  bool is_negative;
  TRY(parse_accept(p, "-", &is_negative));
  if (p->token.kind == TOKEN_INTEGER)
    return parse_whole(p, is_negative, out);
  if (p->token.kind == TOKEN_REAL || parse_at(p, "inf") || parse_at(p, "nan"))
    return parse_real(p, is_negative, out);
  return parse_fail(p, "expected a constant, found %s", p->token.text);
}

/* ---- Loads and names ---------------------------------------------------- */

enum adze_status parse_scalar(struct parser *p, enum adze_dtype dtype,
                              const struct expr **out) {
  struct token start = p->token;
  TRY(parse_expr(p, out));
  if ((*out)->dtype == dtype && (*out)->lanes == 1)
    return ADZE_OK;
  p->token = start;
  return parse_fail(p, "expected a scalar %s, found %sx%u", dtype_word(dtype),
                    dtype_word((*out)->dtype), (*out)->lanes);
}

enum adze_status parse_indices(struct parser *p, size_t count,
                               const struct expr **out) {
  for (size_t i = 0; i < count; i++) {
    if (i > 0)
      TRY(parse_expect(p, ","));
    TRY(parse_scalar(p, ADZE_I64, &out[i]));
  }
  return ADZE_OK;
}

enum adze_status parse_buffer_name(struct parser *p, struct buffer **out) {
  *out =
      p->token.kind == TOKEN_WORD ? map_get(&p->buffers, p->token.text) : NULL;
  if (*out == NULL)
    return parse_fail(p, "there is no buffer %s", p->token.text);
  return parse_next(p);
}

static enum adze_status parse_lanes(struct parser *p, uint16_t *out) {
  int64_t lanes;
  TRY(parse_integer(p, 2, LANES_MOST, &lanes));
  *out = (uint16_t)lanes;
  return ADZE_OK;
}

/* Flat: one offset, perhaps a vector, perhaps with lanes. */
static enum adze_status parse_flat_load(struct parser *p, struct buffer *buffer,
                                        const struct expr **out) {
  const struct expr *offset;
  bool has_lanes;
  TRY(parse_strength(p, 0, &offset));
  if (offset->dtype != ADZE_I64)
    return parse_fail(p, "an offset is i64, not %s", dtype_word(offset->dtype));
  TRY(parse_accept(p, ":", &has_lanes));
  if (!has_lanes) {
    *out = expr_load(p->pool, buffer, &offset, 1);
    return parse_expect(p, "]");
  }
  uint16_t lanes;
  if (offset->lanes != 1)
    return parse_fail(p, "lanes are given for a vector of offsets");
  TRY(parse_lanes(p, &lanes));
  *out = expr_load_lanes(p->pool, buffer, offset, lanes);
  return parse_expect(p, "]");
}

static enum adze_status parse_load(struct parser *p, const struct expr **out) {
  struct buffer *buffer;
  TRY(parse_buffer_name(p, &buffer));
  TRY(parse_expect(p, "["));
  if (p->function->is_flat)
    return parse_flat_load(p, buffer, out);
  const struct expr *indices[LOOP_MAX_RANK];
  for (size_t i = 0; i < buffer->rank; i++) {
    if (i > 0)
      TRY(parse_expect(p, ","));
    TRY(parse_strength(p, 0, &indices[i]));
    if (indices[i]->dtype != ADZE_I64 || indices[i]->lanes != 1)
      return parse_fail(p, "an index is a scalar i64");
  }
  *out = expr_load(p->pool, buffer, indices, buffer->rank);
  return parse_expect(p, "]");
}

static enum adze_status parse_name(struct parser *p, const struct expr **out) {
  const struct variable *variable = map_get(&p->variables, p->token.text);
  const struct local *local = map_get(&p->locals, p->token.text);
  if (variable == NULL && local == NULL)
    return parse_fail(p, "there is nothing called %s", p->token.text);
  *out = variable != NULL ? expr_variable(p->pool, variable)
                          : expr_local(p->pool, local);
  return parse_next(p);
}

static enum adze_status parse_number(struct parser *p,
                                     const struct expr **out) {
  int64_t number;
  TRY(parse_next(p));
  if (p->numbered.count == 0)
    return parse_fail(p, "there are no numbered expressions here");
  TRY(parse_integer(p, 0, (int64_t)p->numbered.count - 1, &number));
  *out = p->numbered.data[number];
  return ADZE_OK;
}

/* ---- Calls -------------------------------------------------------------- */

static enum adze_status parse_call(struct parser *p, enum expr_kind kind,
                                   const struct expr **out) {
  const struct expr *args[3];
  size_t count = 0;
  enum adze_dtype dtype = ADZE_DTYPE_NONE;
  uint16_t lanes = 1;
  bool has_lanes = kind == EXPR_RAMP || kind == EXPR_BROADCAST;
  TRY(parse_next(p));
  TRY(parse_expect(p, "("));
  if (kind == EXPR_CAST || kind == EXPR_BITCAST) {
    TRY(parse_dtype(p, &dtype));
    TRY(parse_expect(p, ","));
  }
  size_t wanted = kind == EXPR_SELECT || kind == EXPR_FMA ? 3
                  : kind == EXPR_RAMP || expr_kind_is_binary(kind) ||
                          expr_kind_is_compare(kind)
                      ? 2
                      : 1;
  while (count < wanted) {
    if (count > 0)
      TRY(parse_expect(p, ","));
    TRY(parse_strength(p, 0, &args[count++]));
  }
  if (has_lanes) {
    TRY(parse_expect(p, ","));
    TRY(parse_lanes(p, &lanes));
  }
  TRY(make(p, kind, dtype, lanes, args, count, out));
  return parse_expect(p, ")");
}

static bool is_call(const struct parser *p, enum expr_kind *kind) {
  if (p->token.kind != TOKEN_WORD || p->at == p->end || *p->at != '(')
    return false;
  *kind = expr_kind_from_name(p->token.text);
  switch ((int)*kind) {
  case EXPR_INTEGER:
  case EXPR_REAL:
  case EXPR_VARIABLE:
  case EXPR_LOCAL:
  case EXPR_LOAD:
  case EXPR_KIND_COUNT:
    return false;
  default:
    return true;
  }
}

static enum adze_status parse_primary(struct parser *p,
                                      const struct expr **out) {
  bool in_parentheses;
  enum expr_kind kind;
  TRY(parse_accept(p, "(", &in_parentheses));
  if (in_parentheses) {
    TRY(parse_strength(p, 0, out));
    return parse_expect(p, ")");
  }
  if (parse_at(p, "true") || parse_at(p, "false")) {
    *out = expr_bool(p->pool, parse_at(p, "true"));
    return parse_next(p);
  }
  if (parse_at(p, "#"))
    return parse_number(p, out);
  if (is_call(p, &kind))
    return parse_call(p, kind, out);
  if (p->token.kind == TOKEN_WORD && !parse_at(p, "inf") && !parse_at(p, "nan"))
    return p->at < p->end && *p->at == '[' ? parse_load(p, out)
                                           : parse_name(p, out);
  return parse_constant(p, out);
}

/* ---- Operators ---------------------------------------------------------- */

static int operator_at(const struct parser *p, enum expr_kind *kind) {
  static const struct {
    const char *text;
    enum expr_kind kind;
    int strength;
  } rows[] = {{"|", EXPR_OR, 1},     {"&", EXPR_AND, 2},
              {"==", EXPR_EQUAL, 3}, {"!=", EXPR_NOT_EQUAL, 3},
              {"<", EXPR_LESS, 3},   {"<=", EXPR_LESS_EQUAL, 3},
              {"+", EXPR_ADD, 4},    {"-", EXPR_SUB, 4},
              {"*", EXPR_MUL, 5},    {"/", EXPR_DIV, 5}};
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
    if (parse_at(p, rows[i].text)) {
      *kind = rows[i].kind;
      return rows[i].strength;
    }
  return 0;
}

/* Operators that bind stronger than `strength`. */
static enum adze_status parse_strength(struct parser *p, int strength,
                                       const struct expr **out) {
  TRY(parse_enter(p, &p->expr_depth));
  TRY(parse_primary(p, out));
  enum expr_kind kind;
  int found;
  while ((found = operator_at(p, &kind)) > strength) {
    const struct expr *args[2] = {*out, NULL};
    TRY(parse_next(p));
    TRY(parse_strength(p, found, &args[1]));
    TRY(make(p, kind, ADZE_DTYPE_NONE, 1, args, 2, out));
    if (found == 3 && operator_at(p, &kind) == 3)
      return parse_fail(p, "comparisons don't chain");
  }
  p->expr_depth--;
  return ADZE_OK;
}

enum adze_status parse_expr(struct parser *p, const struct expr **out) {
  bool more;
  p->numbered.count = 0;
  p->expr_depth = 0;
  TRY(parse_accept(p, "with", &more));
  while (more) {
    int64_t number;
    const struct expr *value;
    TRY(parse_expect(p, "#"));
    TRY(parse_integer(p, (int64_t)p->numbered.count, (int64_t)p->numbered.count,
                      &number));
    TRY(parse_expect(p, "="));
    TRY(parse_strength(p, 0, &value));
    vec_push(p->arena, &p->numbered, value);
    TRY(parse_accept(p, ",", &more));
    if (!more)
      TRY(parse_expect(p, "in"));
  }
  return parse_strength(p, 0, out);
}
