/* SPDX-License-Identifier: Apache-2.0 */
/* A program with the installed headers and the compiler. */
#include <adze/adze.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  struct adze_error error;
  if (adze_compile("no such file.onnx", "out.tar", NULL, &error) !=
          ADZE_NOT_FOUND ||
      !strstr(error.message, "no such file.onnx"))
    return 1;
  printf("adze %s\n", adze_version());
  return 0;
}
