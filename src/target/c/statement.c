/* SPDX-License-Identifier: Apache-2.0 */
/* Statements and functions as C.
 *
 * Locals are variables of the function, vectors arrays. A vector statement is
 * a loop over lanes; where a store may change what later lanes read, all lanes
 * are computed into arrays first. Names from the model are kept as far as they
 * are identifiers, with a number that makes them unique.
 */
#include "target/c/printer.h"

#include <ctype.h>
#include <string.h>

bool function_has_scratch(const struct function *function) {
  for (size_t i = 0; i < function->buffers.count; i++)
    if (function->buffers.data[i]->scope == BUFFER_WORKER)
      return true;
  return false;
}

/* ---- Names --------------------------------------------------------------------- */

/* "conv1/relu:0" and 3 give "conv1_relu_0_3". */
static char *identifier(struct arena *arena, const char *name,
                        unsigned number) {
  char *text = arena_printf(arena, "%s_%u", name, number);
  if (isdigit((unsigned char)text[0]) != 0)
    text = arena_printf(arena, "n%s", text);
  for (char *c = text; *c != '\0'; c++)
    if (isalnum((unsigned char)*c) == 0 || (unsigned char)*c >= 128)
      *c = '_';
  if (text[0] == '_')
    text[0] = 'n';
  return text;
}

static char *name_buffer(struct printer *printer,
                         const struct buffer *buffer) {
  char *name = identifier(printer->arena, buffer->name,
                          (unsigned)printer->buffer_names.count);
  (void)map_set_key(&printer->buffer_names, buffer->id, name);
  return name;
}

static char *name_variable(struct printer *printer,
                           const struct variable *variable) {
  char *name = map_get_key(&printer->variable_names, variable->id);
  if (name == NULL) {
    name = identifier(printer->arena, variable->name,
                      (unsigned)printer->variable_names.count);
    (void)map_set_key(&printer->variable_names, variable->id, name);
  }
  return name;
}

/* ---- Stores and sets -------------------------------------------------------------- */

/* Adds the lines that a statement's value needed, and the loop over lanes
 * around those that are for each lane. */
static void finish_lanes(struct printer *printer) {
  struct stream *out = &printer->out;
  text_add(&out->text, text_string(&printer->scalars.text));
  if (printer->lanes > 1)
    stream_line(out, "for (int l = 0; l < %u; l++) {",
                (unsigned)printer->lanes);
  text_add(&out->text, text_string(&printer->lane_body.text));
  if (printer->lanes > 1)
    stream_line(out, "}");
}

static void open_block(struct printer *printer) {
  stream_line(&printer->out, "{");
  printer->out.indent++;
}
static void close_block(struct printer *printer) {
  printer->out.indent--;
  stream_line(&printer->out, "}");
}

static void print_set(struct printer *printer, const struct statement *s) {
  const struct local *local = s->set.local;
  open_block(printer);
  value_begin(printer, local->lanes);
  value_count_uses(printer, s->set.value);
  const char *value = value_print(printer, s->set.value);
  stream_line(&printer->lane_body, local->lanes > 1 ? "x%u[l] = %s;"
                                                    : "x%u = %s;",
              (unsigned)local->id, value);
  finish_lanes(printer);
  close_block(printer);
}

/* All lanes first: values and, where they are many, places. */
static void print_careful_store(struct printer *printer,
                                const struct statement *s, uint16_t lanes) {
  const struct buffer *buffer = s->store.buffer;
  const struct expr *offset = s->store.indices[0];
  open_block(printer);
  stream_line(&printer->out, "%s values[%u];", c_type(buffer->dtype),
              (unsigned)lanes);
  stream_line(&printer->out, "i64 places[%u];", (unsigned)lanes);
  value_begin(printer, lanes);
  value_count_uses(printer, offset);
  value_count_uses(printer, s->store.value);
  const char *value = value_print(printer, s->store.value);
  stream_line(&printer->lane_body, "values[l] = %s;", value);
  const char *place = value_print(printer, offset);
  stream_line(&printer->lane_body,
              offset->lanes > 1 ? "places[l] = %s;" : "places[l] = %s + l;",
              place);
  finish_lanes(printer);
  stream_line(&printer->out, "for (int l = 0; l < %u; l++)",
              (unsigned)lanes);
  stream_line(&printer->out, "  %s[places[l]] = values[l];",
              (const char *)map_get_key(&printer->buffer_names, buffer->id));
  close_block(printer);
}

static void print_store(struct printer *printer, const struct statement *s) {
  const struct buffer *buffer = s->store.buffer;
  const struct expr *offset = s->store.indices[0];
  const struct expr *e = s->store.value;
  uint16_t lanes = offset->lanes > e->lanes ? offset->lanes : e->lanes;
  check(s->store.index_count == 1);
  if (lanes > 1 && (value_reads(printer, e, buffer) ||
                    value_reads(printer, offset, buffer))) {
    print_careful_store(printer, s, lanes);
    return;
  }
  open_block(printer);
  value_begin(printer, lanes);
  value_count_uses(printer, offset);
  value_count_uses(printer, e);
  const char *value = value_print(printer, e);
  const char *element = value_element(printer, buffer, offset);
  stream_line(&printer->lane_body, "%s = %s;", element, value);
  finish_lanes(printer);
  close_block(printer);
}

/* ---- Loops and conditions ------------------------------------------------------------ */

static void print_list(struct printer *printer, const struct statement *list);

static void print_for(struct printer *printer, const struct statement *s) {
  check(s->loop.kind == LOOP_SERIAL);
  open_block(printer);
  const char *name = name_variable(printer, s->loop.variable);
  value_begin(printer, 1);
  value_count_uses(printer, s->loop.minimum);
  value_count_uses(printer, s->loop.extent);
  const char *minimum = value_print(printer, s->loop.minimum);
  const char *extent = value_print(printer, s->loop.extent);
  int64_t first = 1;
  bool from_zero = expr_get_integer(s->loop.minimum, &first) && first == 0;
  finish_lanes(printer);
  stream_line(&printer->out,
              from_zero ? "const i64 end = %s;" : "const i64 count = %s;",
              extent);
  if (!from_zero)
    stream_line(&printer->out, "const i64 end = add_i64(%s, count);",
                minimum);
  stream_line(&printer->out, "for (i64 %s = %s; %s < end; %s++) {", name,
              minimum, name, name);
  printer->out.indent++;
  print_list(printer, s->loop.body);
  close_block(printer);
  close_block(printer);
}

static void print_if(struct printer *printer, const struct statement *s) {
  open_block(printer);
  value_begin(printer, 1);
  value_count_uses(printer, s->branch.condition);
  const char *condition = value_print(printer, s->branch.condition);
  finish_lanes(printer);
  stream_line(&printer->out, "if (%s) {", condition);
  printer->out.indent++;
  print_list(printer, s->branch.then_body);
  printer->out.indent--;
  if (s->branch.else_body != NULL) {
    stream_line(&printer->out, "} else {");
    printer->out.indent++;
    print_list(printer, s->branch.else_body);
    printer->out.indent--;
  }
  stream_line(&printer->out, "}");
  close_block(printer);
}

static void print_list(struct printer *printer, const struct statement *list) {
  for (const struct statement *s = list; s != NULL; s = s->next) {
    switch (s->kind) {
    case STATEMENT_FOR:
      print_for(printer, s);
      continue;
    case STATEMENT_IF:
      print_if(printer, s);
      continue;
    case STATEMENT_STORE:
      print_store(printer, s);
      continue;
    case STATEMENT_SET:
      print_set(printer, s);
      continue;
    case STATEMENT_BLOCK:
    case STATEMENT_BARRIER:
      break;
    }
    unreachable();
  }
}

/* ---- Functions ------------------------------------------------------------------------- */

static bool is_stored(const struct statement *list,
                      const struct buffer *buffer) {
  for (const struct statement *s = list; s != NULL; s = s->next)
    if ((s->kind == STATEMENT_STORE && s->store.buffer == buffer) ||
        (s->kind == STATEMENT_FOR && is_stored(s->loop.body, buffer)) ||
        (s->kind == STATEMENT_IF && (is_stored(s->branch.then_body, buffer) ||
                                     is_stored(s->branch.else_body, buffer))))
      return true;
  return false;
}

static void print_signature(struct printer *printer, struct text *text,
                            const char *symbol) {
  const struct function *function = printer->function;
  text_format(text, "ADZE_FUNCTION static void %s(", symbol);
  for (size_t i = 0; i < function->parameters.count; i++) {
    const struct buffer *buffer = function->parameters.data[i];
    text_format(text, "%s%s *%s%s, ",
                is_stored(function->body, buffer) ? "" : "const ",
                c_type(buffer->dtype), printer->is_aliased ? "" : "restrict ",
                name_buffer(printer, buffer));
  }
  for (size_t i = 0; i < function->scalars.count; i++)
    text_format(text, "i64 %s, ",
                name_variable(printer, function->scalars.data[i]));
  if (function_has_scratch(function))
    text_add(text, "u8 *scratch, ");
  text_format(text, "i64 %s, i64 %s) {\n",
              function->worker != NULL
                  ? name_variable(printer, function->worker)
                  : "worker",
              function->workers != NULL
                  ? name_variable(printer, function->workers)
                  : "workers");
}

static void print_buffers(struct printer *printer) {
  const struct function *function = printer->function;
  for (size_t i = 0; i < function->buffers.count; i++) {
    const struct buffer *buffer = function->buffers.data[i];
    const char *type = c_type(buffer->dtype);
    const char *name = name_buffer(printer, buffer);
    if (buffer->scope == BUFFER_STACK) {
      int64_t size;
      check(expr_get_integer(buffer->size, &size));
      stream_line(&printer->out, "_Alignas(64) %s %s[%lld];", type, name,
                  (long long)(size > 0 ? size : 1));
      continue;
    }
    check(buffer->scope == BUFFER_WORKER);
    value_begin(printer, 1);
    value_count_uses(printer, function->scratch_offsets.data[i]);
    const char *offset =
        value_print(printer, function->scratch_offsets.data[i]);
    /* Temporaries of one offset must not meet those of the next. */
    stream_line(&printer->out, "%s *%s;", type, name);
    stream_line(&printer->lane_body, "%s = (%s *)(void *)(scratch + %s);",
                name, type, offset);
    stream_line(&printer->out, "{");
    finish_lanes(printer);
    stream_line(&printer->out, "}");
  }
}

static void print_locals(struct printer *printer,
                         const struct statement *list, bool *is_declared) {
  for (const struct statement *s = list; s != NULL; s = s->next) {
    if (s->kind == STATEMENT_FOR) {
      print_locals(printer, s->loop.body, is_declared);
    } else if (s->kind == STATEMENT_IF) {
      print_locals(printer, s->branch.then_body, is_declared);
      print_locals(printer, s->branch.else_body, is_declared);
    } else if (s->kind == STATEMENT_SET && !is_declared[s->set.local->id]) {
      const struct local *local = s->set.local;
      is_declared[local->id] = true;
      if (local->lanes > 1)
        stream_line(&printer->out, "%s x%u[%u]; /* %s */",
                    c_type(local->dtype), (unsigned)local->id,
                    (unsigned)local->lanes, local->name);
      else
        stream_line(&printer->out, "%s x%u; /* %s */", c_type(local->dtype),
                    (unsigned)local->id, local->name);
    }
  }
}

void function_print_c(struct text *text, struct arena *arena,
                      const struct function *function, const char *symbol,
                      bool is_aliased) {
  struct printer printer = {.arena = arena,
                            .function = function,
                            .is_aliased = is_aliased,
                            .out = {.text.arena = arena, .indent = 1}};
  check(function->is_flat);
  map_init(&printer.buffer_names, arena);
  map_init(&printer.variable_names, arena);
  print_signature(&printer, text, symbol);
  print_buffers(&printer);
  print_locals(&printer, function->body,
               ARENA_ARRAY(arena, bool, function->local_count));
  print_list(&printer, function->body);
  text_add(text, text_string(&printer.out.text));
  text_add(text, "}\n\n");
}

void wrapper_print(struct text *text, const struct function *function,
                   const char *kernel, const char *symbol) {
  text_format(text,
              "void %s(void *const *p, const i64 *s, void *scratch, i64 "
              "worker, i64 workers);\n"
              "void %s(void *const *p, const i64 *s, void *scratch, i64 "
              "worker, i64 workers) {\n"
              "  (void)p, (void)s, (void)scratch;\n"
              "  %s(",
              symbol, symbol, kernel);
  for (size_t i = 0; i < function->parameters.count; i++)
    text_format(text, "p[%zu], ", i);
  for (size_t i = 0; i < function->scalars.count; i++)
    text_format(text, "s[%zu], ", i);
  text_format(text, "%sworker, workers);\n}\n",
              function_has_scratch(function) ? "scratch, " : "");
}
