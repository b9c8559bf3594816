/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that hold for structured and flat loop IR alike: what is named is
 * declared, arguments fit, loops bind variables once. Verifiers run behind
 * passes, so what they report is a fault of ours. */
#include "ir/verify_loop.h"

#include <stdio.h>

#include "ir/loop_words.h"

void verifier_init(struct verifier *v, const struct function *function,
                   struct adze_error *error) {
  struct arena *arena = expr_pool_arena(function->pool);
  *v = (struct verifier){
      .function = function, .place = "declarations", .error = error};
  map_init(&v->variables, arena);
  map_init(&v->buffers, arena);
}

enum adze_status verify_fail(const struct verifier *v, const char *format,
                             ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return fail(v->error, ADZE_INTERNAL, "function %s: %s: %s", v->function->name,
              v->place, message);
}

void verify_place(struct verifier *v, const char *word, const char *name) {
  v->place =
      arena_printf(expr_pool_arena(v->function->pool), "%s %s", word, name);
}

void verify_open(struct verifier *v, const struct variable *variable) {
  map_set_key(&v->variables, variable->id, (void *)(uintptr_t)variable);
}

void verify_close(struct verifier *v, const struct variable *variable) {
  map_set_key(&v->variables, variable->id, NULL);
}

/* ---- Expressions -------------------------------------------------------- */

static const char *node_wrong(struct verifier *v, const struct expr *e) {
  if (e->lanes < 1 || e->lanes > LANES_MOST)
    return "has a wrong number of lanes";
  switch ((int)e->kind) {
  case EXPR_INTEGER:
    return dtype_is_float(e->dtype) ? "is no integer" : NULL;
  case EXPR_REAL:
    return dtype_is_float(e->dtype) ? NULL : "is no real";
  case EXPR_LOCAL:
    return NULL;
  case EXPR_VARIABLE:
    v->about = e->variable->name;
    return map_get_key(&v->variables, e->variable->id) == e->variable
               ? NULL
               : "is used outside its loop";
  case EXPR_LOAD:
    v->about = e->buffer->name;
    if (map_get_key(&v->buffers, e->buffer->id) != e->buffer)
      return "is loaded but not declared";
    if (e->dtype != e->buffer->dtype)
      return "is loaded as another dtype";
    for (size_t i = 0; i < e->arg_count; i++)
      if (e->args[i]->dtype != ADZE_I64)
        return "has an index that is not i64";
    return NULL;
  default:
    return arguments_wrong(e->kind, e->dtype, e->args, e->arg_count);
  }
}

static void verify_node(void *context, const struct expr *e) {
  struct verifier *v = context;
  if (v->wrong != NULL)
    return;
  v->about = expr_kind_name(e->kind);
  v->wrong = node_wrong(v, e);
  if (v->wrong == NULL && v->forbids != NULL)
    v->wrong = v->forbids(v, e);
}

enum adze_status verify_expr(struct verifier *v, const struct expr *e) {
  if (e == NULL)
    return verify_fail(v, "an expression is missing");
  v->wrong = NULL;
  expr_walk(v->function->pool, e, verify_node, v);
  if (v->wrong != NULL)
    return verify_fail(v, "%s %s", v->about, v->wrong);
  return ADZE_OK;
}

enum adze_status verify_scalar(struct verifier *v, const struct expr *e,
                               enum adze_dtype dtype, const char *what) {
  if (e == NULL)
    return verify_fail(v, "its %s is missing", what);
  TRY(verify_expr(v, e));
  if (e->dtype != dtype || e->lanes != 1)
    return verify_fail(v, "its %s is %sx%u, not a scalar %s", what,
                       dtype_word(e->dtype), e->lanes, dtype_word(dtype));
  return ADZE_OK;
}

enum adze_status verify_declared(struct verifier *v,
                                 const struct buffer *buffer) {
  if (map_get_key(&v->buffers, buffer->id) == buffer)
    return ADZE_OK;
  return verify_fail(v, "buffer %s is not declared", buffer->name);
}

enum adze_status verify_loop_head(struct verifier *v,
                                  const struct statement *s) {
  struct variable *variable = s->loop.variable;
  if (variable == NULL)
    return verify_fail(v, "a loop has no variable");
  verify_place(v, "loop over", variable->name);
  if (map_get_key(&v->variables, variable->id) != NULL)
    return verify_fail(v, "its variable is bound already");
  TRY(verify_scalar(v, s->loop.minimum, ADZE_I64, "minimum"));
  TRY(verify_scalar(v, s->loop.extent, ADZE_I64, "extent"));
  int64_t extent;
  bool needs_constant =
      s->loop.kind == LOOP_VECTORIZED || s->loop.kind == LOOP_UNROLLED;
  if (needs_constant && !expr_get_integer(s->loop.extent, &extent))
    return verify_fail(v, "it is %s, but its extent is no constant",
                       loop_kind_word(s->loop.kind));
  verify_open(v, variable);
  return ADZE_OK;
}

enum adze_status verify_prefetch(struct verifier *v,
                                 const struct statement *prefetch) {
  const struct buffer *buffer = prefetch->prefetch.buffer;
  if (buffer == NULL)
    return verify_fail(v, "a prefetch has no buffer");
  verify_place(v, "prefetch of", buffer->name);
  TRY(verify_declared(v, buffer));
  if (buffer->scope != BUFFER_ARGUMENT)
    return verify_fail(v, "it is no parameter");
  return verify_scalar(v, prefetch->prefetch.offset, ADZE_I64, "offset");
}

/* ---- Declarations ------------------------------------------------------- */

static enum adze_status verify_buffer(struct verifier *v,
                                      const struct buffer *buffer) {
  int64_t size;
  verify_place(v, "buffer", buffer->name);
  if (map_get_key(&v->buffers, buffer->id) != NULL)
    return verify_fail(v, "it is declared twice");
  if (buffer->rank > LOOP_MAX_RANK)
    return verify_fail(v, "it has %zu dimensions", buffer->rank);
  for (size_t i = 0; i < buffer->rank; i++) {
    TRY(verify_scalar(v, buffer->shape[i], ADZE_I64, "shape"));
    TRY(verify_scalar(v, buffer->strides[i], ADZE_I64, "stride"));
    if (buffer->halo_before[i] < 0 || buffer->halo_after[i] < 0)
      return verify_fail(v, "its halo is negative");
  }
  TRY(verify_scalar(v, buffer->offset, ADZE_I64, "offset"));
  TRY(verify_scalar(v, buffer->size, ADZE_I64, "size"));
  bool is_local =
      buffer->scope == BUFFER_STACK || buffer->scope == BUFFER_REGISTER;
  if (is_local && v->function->is_flat &&
      !expr_get_integer(buffer->size, &size))
    return verify_fail(v, "it is on the stack, but its size is no constant");
  map_set_key(&v->buffers, buffer->id, (void *)(uintptr_t)buffer);
  return ADZE_OK;
}

enum adze_status verify_declarations(struct verifier *v) {
  const struct function *f = v->function;
  for (size_t i = 0; i < f->scalars.count; i++)
    verify_open(v, f->scalars.data[i]);
  for (size_t i = 0; i < f->parameters.count; i++) {
    TRY(verify_buffer(v, f->parameters.data[i]));
    if (f->parameters.data[i]->scope != BUFFER_ARGUMENT)
      return verify_fail(v, "it is a parameter, but its scope is %s",
                         buffer_scope_word(f->parameters.data[i]->scope));
  }
  for (size_t i = 0; i < f->buffers.count; i++) {
    TRY(verify_buffer(v, f->buffers.data[i]));
    if (f->buffers.data[i]->scope == BUFFER_ARGUMENT)
      return verify_fail(v, "its scope is argument, but it is no parameter");
  }
  return ADZE_OK;
}
