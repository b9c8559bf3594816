/* SPDX-License-Identifier: Apache-2.0 */
/* The program `adze`. All of it is in the library beside, where tests reach
 * it. */
#include "cli/cli.h"

int main(int argc, char **argv) { return cli_main(argc, argv); }
