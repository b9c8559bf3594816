/* SPDX-License-Identifier: Apache-2.0 */
/* Stages and functions as text (grammar in docs/IR.md).
 *
 * One item a line. Of a buffer's layout only what differs from the dense one of
 * its shape is printed, since the parser derives the rest. Loop variables have
 * their names while their loop is open, so loops side by side may use the same.
 */
#include "ir/loop_text.h"

#include "ir/loop_print.h"
#include "ir/loop_words.h"

static void start_line(struct printer *p) {
  for (int i = 0; i < p->indent; i++)
    text_add(p->text, "  ");
}

static void print_list(struct printer *p, const struct expr *const *list,
                       size_t count) {
  for (size_t i = 0; i < count; i++) {
    text_add(p->text, i > 0 ? ", " : "");
    printer_expr(p, list[i]);
  }
}

/* ---- Buffers ------------------------------------------------------------ */

static void print_layout(struct printer *p, struct expr_pool *pool,
                         const struct buffer *buffer) {
  struct buffer dense = *buffer;
  buffer_lay_out(pool, &dense);
  bool has_halo = false, has_strides = false;
  for (size_t i = 0; i < buffer->rank; i++) {
    has_halo |= buffer->halo_before[i] != 0 || buffer->halo_after[i] != 0;
    has_strides |= buffer->strides[i] != dense.strides[i];
  }
  if (has_halo) {
    text_add(p->text, " halo(");
    for (size_t i = 0; i < buffer->rank; i++)
      text_format(p->text, "%s%lld:%lld", i > 0 ? ", " : "",
                  (long long)buffer->halo_before[i],
                  (long long)buffer->halo_after[i]);
    text_add(p->text, ")");
  }
  if (has_strides) {
    text_add(p->text, " strides(");
    print_list(p, buffer->strides, buffer->rank);
    text_add(p->text, ")");
  }
  if (buffer->offset != dense.offset) {
    text_add(p->text, " offset(");
    printer_expr(p, buffer->offset);
    text_add(p->text, ")");
  }
  if (buffer->size != dense.size) {
    text_add(p->text, " size(");
    printer_expr(p, buffer->size);
    text_add(p->text, ")");
  }
}

static void print_buffer(struct printer *p, struct expr_pool *pool,
                         const struct buffer *buffer, const char *word,
                         const struct expr *at) {
  start_line(p);
  text_format(p->text, "%s %s: %s[", word,
              printer_name(p, &p->buffers, buffer->id, buffer->name),
              dtype_word(buffer->dtype));
  print_list(p, buffer->shape, buffer->rank);
  text_add(p->text, "]");
  if (buffer->scope != BUFFER_ARGUMENT)
    text_format(p->text, " %s", buffer_scope_word(buffer->scope));
  if (buffer->is_constant)
    text_add(p->text, " constant");
  print_layout(p, pool, buffer);
  if (buffer->prefetch != 0)
    text_format(p->text, " prefetch(%lld)", (long long)buffer->prefetch);
  if (at != NULL) {
    text_add(p->text, " at(");
    printer_expr(p, at);
    text_add(p->text, ")");
  }
  text_add(p->text, "\n");
}

/* ---- Stages ------------------------------------------------------------- */

static void print_axes(struct printer *p, struct variable *const *axes,
                       size_t count) {
  for (size_t i = 0; i < count; i++) {
    text_format(p->text, "%s%s < ", i > 0 ? ", " : "",
                printer_name(p, &p->variables, axes[i]->id, axes[i]->name));
    printer_expr(p, axes[i]->extent);
  }
}

/* A buffer that is declared nowhere keeps its plain name, as in stage_print. */
static void print_stage(struct printer *p, const struct stage *stage) {
  start_line(p);
  text_format(p->text, "stage %s: %s[",
              printer_name(p, &p->stages, (uintptr_t)stage, stage->name),
              printer_buffer(p, stage->output));
  print_axes(p, stage->axes, stage->axis_count);
  text_add(p->text, "] = ");
  if (stage->reduce != REDUCE_NONE || stage->reduction_count > 0) {
    text_format(p->text, "reduce %s(", reduce_kind_name(stage->reduce));
    print_axes(p, stage->reductions, stage->reduction_count);
    text_add(p->text, ")");
  }
  if (stage->reduce != REDUCE_NONE) {
    text_add(p->text, " from ");
    printer_expr(p, stage->initial);
  }
  if (stage->reduce != REDUCE_NONE || stage->reduction_count > 0)
    text_add(p->text, " of ");
  printer_expr(p, stage->body);
  text_add(p->text, "\n");
  for (size_t i = 0; i < stage->axis_count; i++)
    printer_release(p, &p->variables, stage->axes[i]->id);
  for (size_t i = 0; i < stage->reduction_count; i++)
    printer_release(p, &p->variables, stage->reductions[i]->id);
}

void stage_print(struct text *text, const struct stage *stage) {
  struct printer printer;
  printer_init(&printer, text);
  print_stage(&printer, stage);
}

struct stage_list {
  struct printer *printer;
  struct map seen;
};

static void print_new_stage(void *context, struct statement *s) {
  struct stage_list *list = context;
  if (s->kind != STATEMENT_BLOCK ||
      map_get_key(&list->seen, (uintptr_t)s->block.stage) != NULL)
    return;
  map_set_key(&list->seen, (uintptr_t)s->block.stage, s);
  print_stage(list->printer, s->block.stage);
}

/* ---- Statements --------------------------------------------------------- */

static void print_statements(struct printer *p, const struct statement *list);

static void print_body(struct printer *p, const struct statement *list) {
  text_add(p->text, "{\n");
  p->indent++;
  print_statements(p, list);
  p->indent--;
  start_line(p);
  text_add(p->text, "}");
}

/* Bounds are printed before the variable can be seen. */
static void print_loop(struct printer *p, const struct statement *s) {
  int64_t minimum;
  bool from_zero = expr_get_integer(s->loop.minimum, &minimum) && minimum == 0;
  text_format(p->text, "for %s %s ",
              printer_name(p, &p->variables, s->loop.variable->id,
                           s->loop.variable->name),
              from_zero ? "<" : "from");
  if (!from_zero) {
    printer_expr(p, s->loop.minimum);
    text_add(p->text, " count ");
  }
  printer_expr(p, s->loop.extent);
  text_add(p->text, " ");
  if (s->loop.kind != LOOP_SERIAL)
    text_format(p->text, "%s ", loop_kind_word(s->loop.kind));
  text_add(p->text, s->loop.partition ? "partition " : "");
  print_body(p, s->loop.body);
  printer_release(p, &p->variables, s->loop.variable->id);
}

static void print_branch(struct printer *p, const struct statement *s) {
  text_add(p->text, "if ");
  printer_expr(p, s->branch.condition);
  text_add(p->text, " ");
  print_body(p, s->branch.then_body);
  if (s->branch.else_body != NULL) {
    text_add(p->text, " else ");
    print_body(p, s->branch.else_body);
  }
}

static void print_block(struct printer *p, const struct statement *s) {
  const struct stage *stage = s->block.stage;
  text_format(p->text, "block %s(",
              printer_name(p, &p->stages, (uintptr_t)stage, stage->name));
  print_list(p, s->block.axes, stage->axis_count);
  text_add(p->text, stage->reduction_count > 0 ? "; " : "");
  print_list(p, s->block.reductions, stage->reduction_count);
  text_add(p->text, ")");
  if (s->block.part != BLOCK_WHOLE)
    text_format(p->text, " %s", block_part_word(s->block.part));
  if (s->block.predicate != NULL) {
    text_add(p->text, " when ");
    printer_expr(p, s->block.predicate);
  }
}

static void print_store(struct printer *p, const struct statement *s) {
  text_format(p->text, "%s[", printer_buffer(p, s->store.buffer));
  print_list(p, s->store.indices, s->store.index_count);
  text_add(p->text, "] = ");
  printer_expr(p, s->store.value);
}

static void print_prefetch(struct printer *p, const struct statement *s) {
  text_format(p->text, "prefetch %s[", printer_buffer(p, s->prefetch.buffer));
  printer_expr(p, s->prefetch.offset);
  text_add(p->text, "]");
}

/* The first set of a local in the text names its type. */
static void print_set(struct printer *p, const struct statement *s) {
  const struct local *local = s->set.local;
  bool is_first = map_get_key(&p->locals, local->id) == NULL;
  const char *name = NULL;
  if (is_first) {
    /* The value is printed before the local can be seen. */
    struct text value = {.arena = p->text->arena}, *text = p->text;
    p->text = &value;
    printer_expr(p, s->set.value);
    p->text = text;
    name = printer_name(p, &p->locals, local->id, local->name);
    text_format(text, "let %s: %s", name, dtype_word(local->dtype));
    if (local->lanes > 1)
      text_format(text, "x%u", local->lanes);
    text_format(text, " = %s", text_string(&value));
    return;
  }
  name = printer_name(p, &p->locals, local->id, local->name);
  text_format(p->text, "%s = ", name);
  printer_expr(p, s->set.value);
}

static void print_statements(struct printer *p, const struct statement *list) {
  for (const struct statement *s = list; s != NULL; s = s->next) {
    start_line(p);
    switch (s->kind) {
    case STATEMENT_FOR:
      print_loop(p, s);
      break;
    case STATEMENT_IF:
      print_branch(p, s);
      break;
    case STATEMENT_BLOCK:
      print_block(p, s);
      break;
    case STATEMENT_STORE:
      print_store(p, s);
      break;
    case STATEMENT_SET:
      print_set(p, s);
      break;
    case STATEMENT_PREFETCH:
      print_prefetch(p, s);
      break;
    case STATEMENT_BARRIER:
      text_add(p->text, "barrier");
      break;
    }
    text_add(p->text, "\n");
  }
}

/* ---- Functions ---------------------------------------------------------- */

static void print_scalar(struct printer *p, const struct variable *scalar) {
  start_line(p);
  text_format(p->text, "scalar %s",
              printer_name(p, &p->variables, scalar->id, scalar->name));
  if (scalar->symbol >= 0)
    text_format(p->text, " #%d", scalar->symbol);
  if (scalar->minimum != INT64_MIN)
    text_format(p->text, " least %lld", (long long)scalar->minimum);
  if (scalar->maximum != INT64_MAX)
    text_format(p->text, " most %lld", (long long)scalar->maximum);
  text_add(p->text, "\n");
}

static void print_declarations(struct printer *p,
                               const struct function *function) {
  struct expr_pool *pool = function->pool;
  for (size_t i = 0; i < function->scalars.count; i++)
    print_scalar(p, function->scalars.data[i]);
  if (function->worker != NULL) {
    start_line(p);
    text_format(p->text, "spmd %s of ",
                printer_name(p, &p->variables, function->worker->id,
                             function->worker->name));
    text_format(p->text, "%s\n",
                printer_name(p, &p->variables, function->workers->id,
                             function->workers->name));
  }
  for (size_t i = 0; i < function->parameters.count; i++)
    print_buffer(p, pool, function->parameters.data[i], "parameter", NULL);
  for (size_t i = 0; i < function->buffers.count; i++)
    print_buffer(p, pool, function->buffers.data[i], "buffer",
                 i < function->scratch_offsets.count
                     ? function->scratch_offsets.data[i]
                     : NULL);
  if (function->scratch_bytes != NULL) {
    start_line(p);
    text_add(p->text, "scratch ");
    printer_expr(p, function->scratch_bytes);
    text_add(p->text, "\n");
  }
}

void function_print(struct text *text, const struct function *function) {
  struct printer printer;
  printer_init(&printer, text);
  text_format(text, "%s function %s {\n",
              function->is_flat ? "flat" : "structured", function->name);
  printer.indent = 1;
  print_declarations(&printer, function);
  struct stage_list stages = {.printer = &printer};
  map_init(&stages.seen, text->arena);
  statement_walk(function->body, print_new_stage, &stages);
  print_statements(&printer, function->body);
  text_add(text, "}\n");
}
