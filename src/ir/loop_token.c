/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of loop IR text. Any bytes come in; a byte that starts no token is an
 * error, and `//` starts a comment to the end of the line. */
#include "ir/loop_parse.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ir/loop_words.h"

static bool is_word_start(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void step(struct parser *p) {
  if (*p->at++ == '\n') {
    p->line++;
    p->column = 1;
  } else {
    p->column++;
  }
}

static void skip_blank(struct parser *p) {
  while (p->at < p->end) {
    if (*p->at == '/' && p->end - p->at > 1 && p->at[1] == '/') {
      while (p->at < p->end && *p->at != '\n')
        step(p);
    } else if (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' ||
               *p->at == '\r') {
      step(p);
    } else {
      return;
    }
  }
}

/* Moves characters into the token as long as `belongs`. */
static enum adze_status take(struct parser *p, size_t count) {
  if (count >= sizeof p->token.text)
    return parse_fail(p, "a word or number of %zu characters is too long",
                      count);
  memcpy(p->token.text, p->at, count);
  p->token.text[count] = 0;
  for (size_t i = 0; i < count; i++)
    step(p);
  return ADZE_OK;
}

static enum adze_status take_word(struct parser *p) {
  size_t count = 1, most = (size_t)(p->end - p->at);
  while (count < most &&
         (is_word_start(p->at[count]) || is_digit(p->at[count])))
    count++;
  p->token.kind = TOKEN_WORD;
  return take(p, count);
}

static enum adze_status take_number(struct parser *p) {
  size_t count = 1, most = (size_t)(p->end - p->at);
  p->token.kind = TOKEN_INTEGER;
  while (count < most) {
    char c = p->at[count], before = p->at[count - 1];
    bool is_exponent = c == 'e' || c == 'E';
    bool is_sign = (c == '-' || c == '+') && (before == 'e' || before == 'E');
    if (!is_digit(c) && c != '.' && !is_exponent && !is_sign)
      break;
    if (!is_digit(c))
      p->token.kind = TOKEN_REAL;
    count++;
  }
  return take(p, count);
}

static int hex_value(char c) {
  if (is_digit(c))
    return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a string, perhaps escaped; false where it is not one. */
static bool take_character(struct parser *p, char *out) {
  *out = *p->at;
  step(p);
  if (*out != '\\')
    return (unsigned char)*out >= ' ';
  if (p->at < p->end && (*p->at == '"' || *p->at == '\\')) {
    *out = *p->at;
    step(p);
    return true;
  }
  if (p->end - p->at < 3 || p->at[0] != 'x')
    return false;
  int high = hex_value(p->at[1]), low = hex_value(p->at[2]);
  for (int i = 0; i < 3; i++)
    step(p);
  *out = (char)(high * 16 + low);
  return high >= 0 && low >= 0 && *out != 0;
}

static enum adze_status take_string(struct parser *p) {
  struct text text = {.arena = p->arena};
  p->token.kind = TOKEN_STRING;
  memcpy(p->token.text, "a string", sizeof "a string");
  step(p);
  while (p->at < p->end && *p->at != '"') {
    char c;
    if (!take_character(p, &c))
      return parse_fail(p, "a string has a character that must be escaped");
    text_add_n(&text, &c, 1);
  }
  if (p->at == p->end)
    return parse_fail(p, "a string has no end");
  step(p);
  p->token.string = text_string(&text);
  return ADZE_OK;
}

static enum adze_status take_sign(struct parser *p) {
  size_t most = (size_t)(p->end - p->at);
  char first = *p->at;
  p->token.kind = TOKEN_SIGN;
  if (most > 1 && p->at[1] == '=' &&
      (first == '=' || first == '!' || first == '<'))
    return take(p, 2);
  if (first != 0 && strchr("()[]{},;:=<+-*/&|#%", first) != NULL)
    return take(p, 1);
  snprintf(p->token.text, sizeof p->token.text,
           isprint((unsigned char)first) ? "%c" : "byte %d",
           isprint((unsigned char)first) ? first : (unsigned char)first);
  return parse_fail(p, "nothing starts with %s", p->token.text);
}

enum adze_status parse_next(struct parser *p) {
  skip_blank(p);
  p->token.line = p->line;
  p->token.column = p->column;
  if (p->at == p->end) {
    p->token.kind = TOKEN_END;
    p->token.text[0] = 0;
    return ADZE_OK;
  }
  if (is_word_start(*p->at))
    return take_word(p);
  if (is_digit(*p->at))
    return take_number(p);
  if (*p->at == '"')
    return take_string(p);
  return take_sign(p);
}

enum adze_status parse_fail(struct parser *p, const char *format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return fail(p->error, ADZE_INVALID_DATA, "line %d, column %d: %s",
              p->token.line, p->token.column, message);
}

static enum adze_status fail_expected(struct parser *p, const char *what) {
  if (p->token.kind == TOKEN_END)
    return parse_fail(p, "expected %s, found the end", what);
  return parse_fail(p, "expected %s, found %s", what, p->token.text);
}

bool parse_at(const struct parser *p, const char *text) {
  return (p->token.kind == TOKEN_WORD || p->token.kind == TOKEN_SIGN) &&
         string_equal(p->token.text, text);
}

enum adze_status parse_accept(struct parser *p, const char *text, bool *out) {
  *out = parse_at(p, text);
  return *out ? parse_next(p) : ADZE_OK;
}

enum adze_status parse_accept_group(struct parser *p, const char *word,
                                    bool *out) {
  *out = parse_at(p, word) && p->at < p->end && *p->at == '(';
  if (*out) {
    TRY(parse_next(p));
    TRY(parse_next(p));
  }
  return ADZE_OK;
}

enum adze_status parse_expect(struct parser *p, const char *text) {
  if (!parse_at(p, text))
    return fail_expected(p, text);
  return parse_next(p);
}

enum adze_status parse_word(struct parser *p, const char **out) {
  if (p->token.kind != TOKEN_WORD || is_reserved_word(p->token.text))
    return fail_expected(p, "a name");
  *out = arena_strdup(p->arena, p->token.text);
  return parse_next(p);
}

enum adze_status parse_integer(struct parser *p, int64_t least, int64_t most,
                               int64_t *out) {
  char text[sizeof p->token.text + 1] = "-";
  bool is_negative;
  TRY(parse_accept(p, "-", &is_negative));
  if (p->token.kind != TOKEN_INTEGER)
    return fail_expected(p, "an integer");
  memcpy(text + is_negative, p->token.text, sizeof p->token.text);
  if (!string_to_int64(text, out) || *out < least || *out > most)
    return parse_fail(p, "%s is not in %lld … %lld", text, (long long)least,
                      (long long)most);
  return parse_next(p);
}

enum adze_status parse_dtype(struct parser *p, enum adze_dtype *out) {
  *out = p->token.kind == TOKEN_WORD ? dtype_from_word(p->token.text)
                                     : ADZE_DTYPE_NONE;
  if (*out == ADZE_DTYPE_NONE)
    return fail_expected(p, "an element type");
  return parse_next(p);
}

enum adze_status parse_enter(struct parser *p, int *depth) {
  if (*depth == PARSE_DEPTH)
    return parse_fail(p, "nests deeper than %d", PARSE_DEPTH);
  ++*depth;
  return ADZE_OK;
}
