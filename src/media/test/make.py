# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures that decode_test.c reads (with Pillow). All show
red = 6 x, green = 10 y, blue = 128 on 40 x 24 pixels."""
import os
from PIL import Image

os.chdir(os.path.dirname(os.path.abspath(__file__)))
picture = Image.new("RGB", (40, 24))
picture.putdata([(6 * x, 10 * y, 128) for y in range(24) for x in range(40)])

picture.save("baseline.jpg", quality=95, subsampling=2)
picture.save("progressive.jpg", quality=95, subsampling=0, progressive=True)
exif = Image.Exif()
exif[0x0112] = 6
picture.rotate(90, expand=True).save("turned.jpg", quality=95, exif=exif)
picture.convert("CMYK").save("cmyk.jpg", quality=95)
picture.convert("L").save("grey.jpg", quality=95)
picture.save("rgb.png")
picture.convert("RGBA").save("alpha.png")
picture.quantize(256).save("palette.png")
picture.convert("L").save("grey.png")
picture.save("rgb.bmp")
