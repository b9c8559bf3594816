/* SPDX-License-Identifier: Apache-2.0 */
/* A program with the installed headers and the pose library: draws a person
 * into a picture of its own, and finds that there is no network. */
#include <adze/pose.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  static uint8_t pixels[64 * 64 * 3];
  struct adze_image image = {pixels, 64, 64, 64 * 3};
  struct adze_person person = {.score = 1};
  struct adze_poses poses = {&person, 1};
  struct adze_error error;
  adze_pose *pose;
  person.keypoints[ADZE_KEYPOINT_NOSE] = (struct adze_keypoint){32, 32, 1};
  enum adze_status status = adze_poses_draw(&poses, NULL, &image, &error);
  if (status != ADZE_OK && status != ADZE_UNAVAILABLE)
    return fputs(error.message, stderr), 1;
  if (status == ADZE_OK && !pixels[(32 * 64 + 32) * 3 + 2])
    return fputs("nothing was drawn", stderr), 1;
  if (adze_pose_create("no such file.tar", NULL, &pose, &error) !=
          ADZE_NOT_FOUND ||
      !strstr(error.message, "no such file.tar"))
    return fputs("a file that isn't there was found", stderr), 1;
  printf("%s\n", adze_keypoint_name(ADZE_KEYPOINT_NOSE));
  return 0;
}
