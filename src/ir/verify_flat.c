/* SPDX-License-Identifier: Apache-2.0 */
/* What flat loop IR may hold, so that a target needs no more than basic
 * operations: no blocks, serial loops only, one offset per access, no
 * transcendental functions, halves as bits only, locals set before they are
 * read on every path. */
#include <string.h>

#include "ir/loop_text.h"
#include "ir/loop_words.h"
#include "ir/verify_loop.h"

/* Which locals are set on every path to where the walk is. The verifier comes
 * first: flat_forbids gets at the rest from it. */
struct flat {
  struct verifier v;
  bool *is_set; /* [function->local_count] */
};

static bool is_half(enum adze_dtype dtype) {
  return dtype == ADZE_F16 || dtype == ADZE_BF16;
}

static const char *cast_forbidden(const struct expr *e) {
  if (is_half(e->dtype) || is_half(e->args[0]->dtype))
    return "converts halves, which lower expands";
  return NULL;
}

static const char *load_forbidden(const struct expr *e) {
  if (e->arg_count != 1)
    return "is loaded with a wrong number of offsets";
  if (e->args[0]->lanes != 1 && e->args[0]->lanes != e->lanes)
    return "is gathered into another number of lanes";
  if (e->buffer->scope == BUFFER_REGISTER)
    return "is a register buffer, which lower turns into locals";
  return NULL;
}

static const char *flat_forbids(const struct verifier *v,
                                const struct expr *e) {
  const struct flat *flat = (const struct flat *)(const void *)v;
  if (e->kind >= EXPR_EXP && e->kind <= EXPR_POW)
    return "is not expanded";
  if (e->kind == EXPR_CAST)
    return cast_forbidden(e);
  if (e->kind == EXPR_LOAD)
    return load_forbidden(e);
  if (e->kind == EXPR_SELECT && e->args[0]->lanes != 1 &&
      e->args[0]->lanes != e->lanes)
    return "has a condition of another number of lanes";
  if (e->kind != EXPR_LOCAL)
    return NULL;
  if (e->local->id >= flat->v.function->local_count)
    return "is not a local of this function";
  if (e->dtype != e->local->dtype || e->lanes != e->local->lanes)
    return "is read as another type than its local's";
  return flat->is_set[e->local->id]
             ? NULL
             : "is read from a local that is not set on every path to here";
}

/* ---- Statements --------------------------------------------------------- */

static enum adze_status verify_list(struct flat *f,
                                    const struct statement *list);

static bool *copy_of(const struct flat *f, const bool *set) {
  return arena_copy(expr_pool_arena(f->v.function->pool), set,
                    f->v.function->local_count * sizeof *set);
}

/* A body may run no times: what it sets is not set behind it. */
static enum adze_status verify_loop(struct flat *f,
                                    const struct statement *loop) {
  TRY(verify_loop_head(&f->v, loop));
  if (loop->loop.kind != LOOP_SERIAL)
    return verify_fail(&f->v, "it is %s, which lower resolves",
                       loop_kind_word(loop->loop.kind));
  bool *before = copy_of(f, f->is_set);
  TRY(verify_list(f, loop->loop.body));
  f->is_set = before;
  verify_close(&f->v, loop->loop.variable);
  return ADZE_OK;
}

static enum adze_status verify_branch(struct flat *f,
                                      const struct statement *branch) {
  f->v.place = "if";
  TRY(verify_scalar(&f->v, branch->branch.condition, ADZE_BOOL, "condition"));
  bool *other = copy_of(f, f->is_set);
  TRY(verify_list(f, branch->branch.then_body));
  bool *then_set = f->is_set;
  f->is_set = other;
  TRY(verify_list(f, branch->branch.else_body));
  for (size_t i = 0; i < f->v.function->local_count; i++)
    f->is_set[i] &= then_set[i];
  return ADZE_OK;
}

static enum adze_status verify_store(struct flat *f,
                                     const struct statement *store) {
  struct verifier *v = &f->v;
  const struct buffer *buffer = store->store.buffer;
  if (buffer == NULL)
    return verify_fail(v, "a store has no buffer");
  verify_place(v, "store to", buffer->name);
  TRY(verify_declared(v, buffer));
  if (buffer->scope == BUFFER_REGISTER)
    return verify_fail(v, "a register buffer is left");
  if (store->store.index_count != 1)
    return verify_fail(v, "it has %zu offsets", store->store.index_count);
  const struct expr *offset = store->store.indices[0];
  const struct expr *value = store->store.value;
  TRY(verify_expr(v, offset));
  TRY(verify_expr(v, value));
  if (offset->dtype != ADZE_I64)
    return verify_fail(v, "its offset is %s, not i64",
                       dtype_word(offset->dtype));
  if (value->dtype != buffer->dtype)
    return verify_fail(v, "its value is %s, the buffer %s",
                       dtype_word(value->dtype), dtype_word(buffer->dtype));
  if (offset->lanes != 1 && offset->lanes != value->lanes)
    return verify_fail(v, "it has %u offsets for %u values", offset->lanes,
                       value->lanes);
  return ADZE_OK;
}

static enum adze_status verify_set(struct flat *f,
                                   const struct statement *set) {
  struct verifier *v = &f->v;
  const struct local *local = set->set.local;
  if (local == NULL)
    return verify_fail(v, "a set has no local");
  verify_place(v, "set of", local->name);
  if (local->id >= v->function->local_count)
    return verify_fail(v, "it is not a local of this function");
  TRY(verify_expr(v, set->set.value));
  if (set->set.value->dtype != local->dtype ||
      set->set.value->lanes != local->lanes)
    return verify_fail(v, "its value is %sx%u, the local %sx%u",
                       dtype_word(set->set.value->dtype), set->set.value->lanes,
                       dtype_word(local->dtype), local->lanes);
  f->is_set[local->id] = true;
  return ADZE_OK;
}

static enum adze_status verify_list(struct flat *f,
                                    const struct statement *list) {
  for (; list != NULL; list = list->next) {
    switch (list->kind) {
    case STATEMENT_FOR:
      TRY(verify_loop(f, list));
      break;
    case STATEMENT_IF:
      TRY(verify_branch(f, list));
      break;
    case STATEMENT_STORE:
      TRY(verify_store(f, list));
      break;
    case STATEMENT_SET:
      TRY(verify_set(f, list));
      break;
    case STATEMENT_PREFETCH:
      TRY(verify_prefetch(&f->v, list));
      break;
    case STATEMENT_BARRIER:
      break;
    case STATEMENT_BLOCK:
      verify_place(&f->v, "block", list->block.stage->name);
      return verify_fail(&f->v, "blocks are in structured loop IR only");
    }
  }
  return ADZE_OK;
}

/* ---- Declarations ------------------------------------------------------- */

static enum adze_status verify_memory(struct flat *f) {
  struct verifier *v = &f->v;
  const struct function *function = v->function;
  for (size_t i = 0; i < function->buffers.count; i++) {
    const struct buffer *buffer = function->buffers.data[i];
    const struct expr *place = i < function->scratch_offsets.count
                                   ? function->scratch_offsets.data[i]
                                   : NULL;
    verify_place(v, "buffer", buffer->name);
    if (buffer->scope != BUFFER_WORKER && place != NULL)
      return verify_fail(v, "it has a place in scratch memory, but is %s",
                         buffer_scope_word(buffer->scope));
    if (buffer->scope == BUFFER_WORKER) {
      TRY(verify_scalar(v, place, ADZE_I64, "place in scratch memory"));
      TRY(verify_scalar(v, function->scratch_bytes, ADZE_I64,
                        "size of scratch memory"));
    }
  }
  return ADZE_OK;
}

enum adze_status verify_flat(const struct function *function,
                             struct adze_error *error) {
  struct flat f = {.is_set = NULL};
  verifier_init(&f.v, function, error);
  f.v.forbids = flat_forbids;
  if (!function->is_flat)
    return verify_fail(&f.v, "it is structured");
  f.is_set = ARENA_ARRAY(expr_pool_arena(function->pool), bool,
                         function->local_count + 1);
  TRY(verify_declarations(&f.v));
  TRY(verify_memory(&f));
  if ((function->worker == NULL) != (function->workers == NULL))
    return verify_fail(&f.v, "worker and workers go together");
  if (function->worker != NULL) {
    verify_open(&f.v, function->worker);
    verify_open(&f.v, function->workers);
  }
  return verify_list(&f, function->body);
}
