/* SPDX-License-Identifier: Apache-2.0 */
/* A program with nothing but the installed headers and the runtime. It gives
 * its own functions names that adze uses inside, which must not meet. */
#include <adze/runtime.h>
#include <stdio.h>
#include <string.h>

int fail(void);
int fail(void) { return 7; }
void check_failed(void);
void check_failed(void) {}

int main(void) {
  struct adze_error error;
  adze_model *model = NULL;
  adze_pool *pool = NULL;
  struct adze_pool_options options = {.threads = 2};
  check_failed();
  if (adze_model_load("no such file.tar", NULL, &model, &error) !=
          ADZE_NOT_FOUND ||
      !strstr(error.message, "no such file.tar"))
    return 1;
  if (adze_pool_create(&options, &pool, &error) != ADZE_OK) {
    fputs(error.message, stderr);
    return 1;
  }
  if (adze_pool_threads(pool) != 2 || fail() != 7)
    return 1;
  adze_pool_destroy(pool);
  printf("%s\n", adze_status_name(error.status));
  return 0;
}
