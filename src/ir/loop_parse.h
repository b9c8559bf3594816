/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the parser of loop IR: tokens, names, expressions. */
#ifndef IR_LOOP_PARSE_H
#define IR_LOOP_PARSE_H

#include "base/map.h"
#include "ir/loop.h"

enum token_kind {
  TOKEN_END,
  TOKEN_WORD,
  TOKEN_INTEGER,
  TOKEN_REAL,
  TOKEN_SIGN,   /* punctuation, one or two characters */
  TOKEN_STRING, /* "…", with \" \\ and \xHH; used by graphs (src/op) */
};

struct token {
  enum token_kind kind;
  char text[256];     /* NUL-terminated */
  const char *string; /* of TOKEN_STRING, decoded; any length */
  int line, column;
};

struct parser {
  struct expr_pool *pool;
  struct arena *arena;
  const char *at, *end;  /* behind the current token */
  int line, column;      /* of `at` */
  struct token token;    /* the current one */
  int depth, expr_depth; /* of statements and of this expression */
  struct function *function;
  struct map variables, buffers, locals, stages; /* by name */
  VEC(const struct expr *) numbered; /* #0, #1, … of this expression */
  struct adze_error *error;
};

/* Statements in each other, and an expression's parentheses and calls: each of
 * its own, so that what was printed can be parsed wherever it stands. */
#define PARSE_DEPTH 256

/* ---- Tokens (loop_token.c) ---------------------------------------------- */
/* Reads the next token into parser->token. */
enum adze_status parse_next(struct parser *parser) ADZE_MUST_USE;
/* An error at the current token. */
enum adze_status parse_fail(struct parser *parser, const char *format, ...)
    ADZE_PRINTF(2, 3);
bool parse_at(const struct parser *parser, const char *text);
/* Steps over the token when it is `text`; *out says whether it was. */
enum adze_status parse_accept(struct parser *parser, const char *text,
                              bool *out) ADZE_MUST_USE;
/* Steps over `word` and the parenthesis that stands right behind it. */
enum adze_status parse_accept_group(struct parser *parser, const char *word,
                                    bool *out) ADZE_MUST_USE;
enum adze_status parse_expect(struct parser *parser,
                              const char *text) ADZE_MUST_USE;
/* A word that names something; copied. */
enum adze_status parse_word(struct parser *parser,
                            const char **out) ADZE_MUST_USE;
/* An integer with an optional sign, in the range. */
enum adze_status parse_integer(struct parser *parser, int64_t least,
                               int64_t most, int64_t *out) ADZE_MUST_USE;
enum adze_status parse_dtype(struct parser *parser,
                             enum adze_dtype *out) ADZE_MUST_USE;
enum adze_status parse_enter(struct parser *parser, int *depth) ADZE_MUST_USE;

/* ---- Expressions (loop_parse_expr.c) ------------------------------------ */
enum adze_status parse_expr(struct parser *parser,
                            const struct expr **out) ADZE_MUST_USE;
/* A scalar of this dtype. */
enum adze_status parse_scalar(struct parser *parser, enum adze_dtype dtype,
                              const struct expr **out) ADZE_MUST_USE;
/* `count` scalar i64 expressions separated by commas. */
enum adze_status parse_indices(struct parser *parser, size_t count,
                               const struct expr **out) ADZE_MUST_USE;
enum adze_status parse_buffer_name(struct parser *parser,
                                   struct buffer **out) ADZE_MUST_USE;

#endif
