/* SPDX-License-Identifier: Apache-2.0 */
/* Functions from text (grammar in docs/IR.md): declarations, stages,
 * statements.
 *
 * Text is not trusted: names must be declared, ranks, dtypes and lanes must
 * fit, nesting is bounded. What the text can say is then well-formed; whether
 * it is legal at its stage is for the verifiers.
 */
#include <string.h>

#include "base/text.h"
#include "ir/loop_parse.h"
#include "ir/loop_text.h"
#include "ir/loop_words.h"

static enum adze_status parse_new_name(struct parser *p, const char **out) {
  struct token start = p->token;
  TRY(parse_word(p, out));
  if (map_get(&p->variables, *out) == NULL &&
      map_get(&p->buffers, *out) == NULL && map_get(&p->locals, *out) == NULL)
    return ADZE_OK;
  p->token = start;
  return parse_fail(p, "%s is taken", *out);
}

/* ---- Declarations ------------------------------------------------------- */

static enum adze_status parse_scalar_line(struct parser *p) {
  const char *name;
  bool found;
  int64_t symbol = -1;
  TRY(parse_next(p));
  TRY(parse_new_name(p, &name));
  struct variable *variable = variable_new(p->pool, name, NULL);
  TRY(parse_accept(p, "#", &found));
  if (found)
    TRY(parse_integer(p, 0, INT32_MAX, &symbol));
  variable->symbol = (int32_t)symbol;
  TRY(parse_accept(p, "least", &found));
  if (found)
    TRY(parse_integer(p, INT64_MIN, INT64_MAX, &variable->minimum));
  TRY(parse_accept(p, "most", &found));
  if (found)
    TRY(parse_integer(p, INT64_MIN, INT64_MAX, &variable->maximum));
  map_set(&p->variables, name, variable);
  vec_push(p->arena, &p->function->scalars, variable);
  return ADZE_OK;
}

static enum adze_status parse_worker_line(struct parser *p) {
  const char *name;
  TRY(parse_next(p));
  TRY(parse_new_name(p, &name));
  p->function->worker = variable_new(p->pool, name, NULL);
  p->function->worker->minimum = 0;
  map_set(&p->variables, name, p->function->worker);
  TRY(parse_expect(p, "of"));
  TRY(parse_new_name(p, &name));
  p->function->workers = variable_new(p->pool, name, NULL);
  p->function->workers->minimum = 1;
  map_set(&p->variables, name, p->function->workers);
  return ADZE_OK;
}

static enum adze_status parse_shape(struct parser *p, struct buffer *buffer) {
  TRY(parse_expect(p, "["));
  while (!parse_at(p, "]")) {
    if (buffer->rank == LOOP_MAX_RANK)
      return parse_fail(p, "more than %d dimensions", LOOP_MAX_RANK);
    if (buffer->rank > 0)
      TRY(parse_expect(p, ","));
    TRY(parse_scalar(p, ADZE_I64, &buffer->shape[buffer->rank]));
    buffer->rank++;
  }
  return parse_next(p);
}

static enum adze_status parse_halo(struct parser *p, struct buffer *buffer) {
  const int64_t most = INT32_MAX;
  for (size_t i = 0; i < buffer->rank; i++) {
    if (i > 0)
      TRY(parse_expect(p, ","));
    TRY(parse_integer(p, 0, most, &buffer->halo_before[i]));
    TRY(parse_expect(p, ":"));
    TRY(parse_integer(p, 0, most, &buffer->halo_after[i]));
  }
  return parse_expect(p, ")");
}

/* `word(expression)`, or nothing. */
static enum adze_status parse_property(struct parser *p, const char *word,
                                       const struct expr **out) {
  bool found;
  TRY(parse_accept_group(p, word, &found));
  if (!found)
    return ADZE_OK;
  TRY(parse_scalar(p, ADZE_I64, out));
  return parse_expect(p, ")");
}

static enum adze_status parse_layout(struct parser *p, struct buffer *buffer) {
  bool found;
  TRY(parse_accept_group(p, "halo", &found));
  if (found)
    TRY(parse_halo(p, buffer));
  buffer_lay_out(p->pool, buffer);
  TRY(parse_accept_group(p, "strides", &found));
  if (found) {
    TRY(parse_indices(p, buffer->rank, buffer->strides));
    TRY(parse_expect(p, ")"));
  }
  TRY(parse_property(p, "offset", &buffer->offset));
  TRY(parse_property(p, "size", &buffer->size));
  TRY(parse_accept_group(p, "prefetch", &found));
  if (!found)
    return ADZE_OK;
  TRY(parse_integer(p, 1, BUFFER_PREFETCH_MAX, &buffer->prefetch));
  return parse_expect(p, ")");
}

static enum adze_status parse_scope(struct parser *p, enum buffer_scope *out) {
  for (int i = BUFFER_STACK; i <= BUFFER_REGISTER; i++) {
    *out = (enum buffer_scope)i;
    if (parse_at(p, buffer_scope_word(*out)))
      return parse_next(p);
  }
  return parse_fail(p, "expected stack, worker or register, found %s",
                    p->token.text);
}

static enum adze_status parse_buffer_line(struct parser *p, bool is_parameter) {
  struct buffer *buffer = ARENA_NEW(p->arena, struct buffer);
  struct function *function = p->function;
  TRY(parse_next(p));
  TRY(parse_new_name(p, &buffer->name));
  TRY(parse_expect(p, ":"));
  TRY(parse_dtype(p, &buffer->dtype));
  TRY(parse_shape(p, buffer));
  buffer->id = expr_pool_buffer_id(p->pool);
  buffer->scope = BUFFER_ARGUMENT;
  if (!is_parameter)
    TRY(parse_scope(p, &buffer->scope));
  TRY(parse_accept(p, "constant", &buffer->is_constant));
  TRY(parse_layout(p, buffer));
  map_set(&p->buffers, buffer->name, buffer);
  if (is_parameter) {
    vec_push(p->arena, &function->parameters, buffer);
    return ADZE_OK;
  }
  const struct expr *place = NULL;
  TRY(parse_property(p, "at", &place));
  vec_push(p->arena, &function->buffers, buffer);
  if (function->is_flat)
    vec_push(p->arena, &function->scratch_offsets, place);
  else if (place != NULL)
    return parse_fail(p, "buffers have places in flat functions only");
  return ADZE_OK;
}

/* ---- Stages ------------------------------------------------------------- */

/* name < extent, …; the names are seen behind the list. */
static enum adze_status parse_axes(struct parser *p, const char *end,
                                   struct variable **out, size_t *count) {
  while (!parse_at(p, end)) {
    const char *name;
    const struct expr *extent;
    if (*count == LOOP_MAX_RANK)
      return parse_fail(p, "more than %d axes", LOOP_MAX_RANK);
    if (*count > 0)
      TRY(parse_expect(p, ","));
    TRY(parse_new_name(p, &name));
    TRY(parse_expect(p, "<"));
    TRY(parse_scalar(p, ADZE_I64, &extent));
    out[*count] = variable_new(p->pool, name, extent);
    map_set(&p->variables, name, out[*count]);
    ++*count;
  }
  return parse_next(p);
}

static enum adze_status parse_reduce_kind(struct parser *p,
                                          enum reduce_kind *out) {
  for (int i = REDUCE_NONE; i <= REDUCE_MIN; i++) {
    *out = (enum reduce_kind)i;
    if (parse_at(p, reduce_kind_name(*out)))
      return parse_next(p);
  }
  return parse_fail(p, "%s is no kind of reduction", p->token.text);
}

static enum adze_status parse_reduction(struct parser *p, struct stage *stage) {
  enum adze_dtype dtype = stage->output->dtype;
  bool found;
  TRY(parse_accept(p, "reduce", &found));
  if (!found)
    return ADZE_OK;
  TRY(parse_reduce_kind(p, &stage->reduce));
  if (!reduce_takes(stage->reduce, dtype))
    return parse_fail(p, "no %s of %s values", reduce_kind_name(stage->reduce),
                      dtype_word(dtype));
  TRY(parse_expect(p, "("));
  TRY(parse_axes(p, ")", stage->reductions, &stage->reduction_count));
  if (stage->reduce != REDUCE_NONE) {
    TRY(parse_expect(p, "from"));
    TRY(parse_scalar(p, dtype, &stage->initial));
  }
  return parse_expect(p, "of");
}

static enum adze_status parse_stage(struct parser *p) {
  struct stage *stage = ARENA_NEW(p->arena, struct stage);
  TRY(parse_next(p));
  TRY(parse_word(p, &stage->name));
  if (map_get(&p->stages, stage->name) != NULL)
    return parse_fail(p, "there are two stages %s", stage->name);
  TRY(parse_expect(p, ":"));
  TRY(parse_buffer_name(p, &stage->output));
  TRY(parse_expect(p, "["));
  TRY(parse_axes(p, "]", stage->axes, &stage->axis_count));
  if (stage->axis_count != stage->output->rank)
    return parse_fail(p, "stage %s has %zu axes, %s has %zu dimensions",
                      stage->name, stage->axis_count, stage->output->name,
                      stage->output->rank);
  TRY(parse_expect(p, "="));
  TRY(parse_reduction(p, stage));
  TRY(parse_scalar(p, stage->output->dtype, &stage->body));
  for (size_t i = 0; i < stage->axis_count; i++)
    map_set(&p->variables, stage->axes[i]->name, NULL);
  for (size_t i = 0; i < stage->reduction_count; i++)
    map_set(&p->variables, stage->reductions[i]->name, NULL);
  map_set(&p->stages, stage->name, stage);
  return ADZE_OK;
}

/* ---- Statements --------------------------------------------------------- */

static enum adze_status parse_body(struct parser *p, struct statement **out);

static enum adze_status parse_loop(struct parser *p, struct statement **out) {
  struct statement *s = *out = statement_new(p->pool, STATEMENT_FOR);
  const char *name;
  bool has_minimum;
  TRY(parse_next(p));
  TRY(parse_new_name(p, &name));
  TRY(parse_accept(p, "from", &has_minimum));
  s->loop.minimum = expr_index(p->pool, 0);
  if (has_minimum)
    TRY(parse_scalar(p, ADZE_I64, &s->loop.minimum));
  TRY(parse_expect(p, has_minimum ? "count" : "<"));
  TRY(parse_scalar(p, ADZE_I64, &s->loop.extent));
  s->loop.variable =
      variable_new(p->pool, name, has_minimum ? NULL : s->loop.extent);
  for (int i = LOOP_PARALLEL; i <= LOOP_UNROLLED; i++) {
    bool found;
    TRY(parse_accept(p, loop_kind_word((enum loop_kind)i), &found));
    if (found)
      s->loop.kind = (enum loop_kind)i;
  }
  TRY(parse_accept(p, "partition", &s->loop.partition));
  map_set(&p->variables, name, s->loop.variable);
  TRY(parse_body(p, &s->loop.body));
  map_set(&p->variables, name, NULL);
  return ADZE_OK;
}

static enum adze_status parse_branch(struct parser *p, struct statement **out) {
  struct statement *s = *out = statement_new(p->pool, STATEMENT_IF);
  bool has_else;
  TRY(parse_next(p));
  TRY(parse_scalar(p, ADZE_BOOL, &s->branch.condition));
  TRY(parse_body(p, &s->branch.then_body));
  TRY(parse_accept(p, "else", &has_else));
  return has_else ? parse_body(p, &s->branch.else_body) : ADZE_OK;
}

static enum adze_status parse_block(struct parser *p, struct statement **out) {
  struct statement *s = *out = statement_new(p->pool, STATEMENT_BLOCK);
  bool found;
  TRY(parse_next(p));
  struct stage *stage =
      p->token.kind == TOKEN_WORD ? map_get(&p->stages, p->token.text) : NULL;
  if (stage == NULL)
    return parse_fail(p, "there is no stage %s", p->token.text);
  s->block.stage = stage;
  TRY(parse_next(p));
  TRY(parse_expect(p, "("));
  TRY(parse_indices(p, stage->axis_count, s->block.axes));
  if (stage->reduction_count > 0) {
    TRY(parse_expect(p, ";"));
    TRY(parse_indices(p, stage->reduction_count, s->block.reductions));
  }
  TRY(parse_expect(p, ")"));
  TRY(parse_accept(p, "initial", &found));
  if (found)
    s->block.part = BLOCK_INITIAL;
  TRY(parse_accept(p, "update", &found));
  if (found)
    s->block.part = BLOCK_UPDATE;
  TRY(parse_accept(p, "when", &found));
  return found ? parse_scalar(p, ADZE_BOOL, &s->block.predicate) : ADZE_OK;
}

static enum adze_status parse_stored(struct parser *p, struct statement *s,
                                     uint16_t offset_lanes) {
  const struct buffer *buffer = s->store.buffer;
  TRY(parse_expect(p, "="));
  TRY(parse_expr(p, &s->store.value));
  const struct expr *value = s->store.value;
  if (value->dtype != buffer->dtype)
    return parse_fail(p, "%s holds %s, not %s", buffer->name,
                      dtype_word(buffer->dtype), dtype_word(value->dtype));
  if (offset_lanes > 1 && value->lanes != offset_lanes)
    return parse_fail(p, "%u values are stored at %u offsets", value->lanes,
                      offset_lanes);
  if (!p->function->is_flat && value->lanes > 1)
    return parse_fail(p, "vectors are stored in flat functions only");
  return ADZE_OK;
}

static enum adze_status parse_store(struct parser *p, struct statement **out) {
  struct statement *s = *out = statement_new(p->pool, STATEMENT_STORE);
  TRY(parse_buffer_name(p, &s->store.buffer));
  TRY(parse_expect(p, "["));
  uint16_t offset_lanes = 1;
  if (p->function->is_flat) {
    s->store.index_count = 1;
    TRY(parse_expr(p, &s->store.indices[0]));
    offset_lanes = s->store.indices[0]->lanes;
    if (s->store.indices[0]->dtype != ADZE_I64)
      return parse_fail(p, "an offset is i64, not %s",
                        dtype_word(s->store.indices[0]->dtype));
  } else {
    s->store.index_count = s->store.buffer->rank;
    TRY(parse_indices(p, s->store.index_count, s->store.indices));
  }
  TRY(parse_expect(p, "]"));
  return parse_stored(p, s, offset_lanes);
}

static enum adze_status parse_prefetch(struct parser *p,
                                       struct statement **out) {
  struct statement *s = *out = statement_new(p->pool, STATEMENT_PREFETCH);
  TRY(parse_expect(p, "prefetch"));
  TRY(parse_buffer_name(p, &s->prefetch.buffer));
  TRY(parse_expect(p, "["));
  TRY(parse_scalar(p, ADZE_I64, &s->prefetch.offset));
  return parse_expect(p, "]");
}

/* f32 or f32x16. */
static enum adze_status parse_type(struct parser *p, enum adze_dtype *dtype,
                                   uint16_t *lanes) {
  char *word = p->token.text, *cross = strchr(word, 'x');
  int64_t count = 1;
  if (p->token.kind == TOKEN_WORD && cross != NULL) {
    *cross = 0;
    if (!string_to_int64(cross + 1, &count) || count < 1 || count > LANES_MOST)
      return parse_fail(p, "%s is no number of lanes", cross + 1);
  }
  *lanes = (uint16_t)count;
  return parse_dtype(p, dtype);
}

static enum adze_status parse_set(struct parser *p, struct statement **out) {
  struct statement *s = *out = statement_new(p->pool, STATEMENT_SET);
  bool is_new;
  const char *name = NULL;
  enum adze_dtype dtype;
  uint16_t lanes = 1;
  TRY(parse_accept(p, "let", &is_new));
  if (is_new) {
    TRY(parse_new_name(p, &name));
    TRY(parse_expect(p, ":"));
    TRY(parse_type(p, &dtype, &lanes));
  } else {
    const struct local *local = map_get(&p->locals, p->token.text);
    if (local == NULL)
      return parse_fail(p, "there is no local %s", p->token.text);
    s->set.local = local;
    dtype = local->dtype;
    lanes = local->lanes;
    TRY(parse_next(p));
  }
  TRY(parse_expect(p, "="));
  TRY(parse_expr(p, &s->set.value));
  if (s->set.value->dtype != dtype || s->set.value->lanes != lanes)
    return parse_fail(p, "a local of %sx%u is set to a value of %sx%u",
                      dtype_word(dtype), lanes, dtype_word(s->set.value->dtype),
                      s->set.value->lanes);
  if (is_new) {
    struct local *local = local_new(p->function, name, dtype, lanes);
    s->set.local = local;
    map_set(&p->locals, name, local);
  }
  return ADZE_OK;
}

static enum adze_status parse_statement(struct parser *p,
                                        struct statement **out) {
  if (p->token.kind != TOKEN_WORD)
    return parse_fail(p, "expected a statement, found %s",
                      p->token.kind == TOKEN_END ? "the end" : p->token.text);
  if (parse_at(p, "for"))
    return parse_loop(p, out);
  if (parse_at(p, "if"))
    return parse_branch(p, out);
  if (parse_at(p, "block"))
    return parse_block(p, out);
  if (parse_at(p, "prefetch"))
    return parse_prefetch(p, out);
  if (parse_at(p, "barrier")) {
    *out = statement_new(p->pool, STATEMENT_BARRIER);
    return parse_next(p);
  }
  if (!parse_at(p, "let") && map_get(&p->buffers, p->token.text) != NULL)
    return parse_store(p, out);
  return parse_set(p, out);
}

/* Statements up to the closing brace, which is taken too. */
static enum adze_status parse_statements(struct parser *p,
                                         struct statement **out) {
  struct statement **link = out;
  while (!parse_at(p, "}")) {
    TRY(parse_statement(p, link));
    link = &(*link)->next;
  }
  return parse_next(p);
}

static enum adze_status parse_body(struct parser *p, struct statement **out) {
  TRY(parse_enter(p, &p->depth));
  TRY(parse_expect(p, "{"));
  TRY(parse_statements(p, out));
  p->depth--;
  return ADZE_OK;
}

/* ---- Functions ---------------------------------------------------------- */

static enum adze_status parse_declarations(struct parser *p) {
  for (;;) {
    if (parse_at(p, "scalar")) {
      TRY(parse_scalar_line(p));
    } else if (parse_at(p, "spmd")) {
      TRY(parse_worker_line(p));
    } else if (parse_at(p, "parameter")) {
      TRY(parse_buffer_line(p, true));
    } else if (parse_at(p, "buffer")) {
      TRY(parse_buffer_line(p, false));
    } else if (parse_at(p, "scratch")) {
      TRY(parse_next(p));
      TRY(parse_scalar(p, ADZE_I64, &p->function->scratch_bytes));
    } else if (parse_at(p, "stage")) {
      TRY(parse_stage(p));
    } else {
      return ADZE_OK;
    }
  }
}

enum adze_status function_parse(struct expr_pool *pool, const char *data,
                                size_t size, struct function **out,
                                struct adze_error *error) {
  struct arena *arena = expr_pool_arena(pool);
  struct parser *p = ARENA_NEW(arena, struct parser);
  const char *name;
  bool is_flat;
  *p = (struct parser){.pool = pool,
                       .arena = arena,
                       .at = data,
                       .end = data + size,
                       .line = 1,
                       .column = 1,
                       .error = error};
  map_init(&p->variables, arena);
  map_init(&p->buffers, arena);
  map_init(&p->locals, arena);
  map_init(&p->stages, arena);
  TRY(parse_next(p));
  TRY(parse_accept(p, "flat", &is_flat));
  if (!is_flat)
    TRY(parse_expect(p, "structured"));
  TRY(parse_expect(p, "function"));
  TRY(parse_word(p, &name));
  p->function = function_new(pool, name);
  p->function->is_flat = is_flat;
  TRY(parse_expect(p, "{"));
  TRY(parse_declarations(p));
  TRY(parse_statements(p, &p->function->body));
  if (p->token.kind != TOKEN_END)
    return parse_fail(p, "expected the end, found %s", p->token.text);
  *out = p->function;
  return ADZE_OK;
}
