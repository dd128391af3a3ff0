"""The data sets of pictures: ImageNet, Tiny-ImageNet, CUB-200-2011, Cityscapes, and any folder of pictures.

Views and recipes are those of the GDKD paper's code (facts of its configurations), the number of views is ours.
"""

from trainers.data.formats.pictures import PictureData
from trainers.data.sets.cityscapes import cityscapes_files
from trainers.data.sets.cub200 import cub200_files
from trainers.data.sets.imagefolder import imagefolder_files
from trainers.data.sets.imagenet import imagenet_files
from trainers.data.sets.tiny_imagenet import tiny_imagenet_files

IMAGENET = PictureData(
    name="imagenet",
    summary="1,281,167 + 50,000 pictures of 1,000 classes (ILSVRC 2012); "
    "train/ and val/ with a folder for each class, or val/ flat with LOC_val_solution.csv or the development kit",
    files=imagenet_files,
    views="rrc224-flip",
    count=16,
    recipe="imagenet",
    published=(1000, 1_281_167, 50_000),
).entry()
TINY_IMAGENET = PictureData(
    name="tiny_imagenet",
    summary="100,000 + 10,000 pictures of 200 classes, 64x64, brought to 224x224; "
    "tiny-imagenet-200/ with wnids.txt, train/, val/",
    files=tiny_imagenet_files,
    views="rrc224-flip",
    count=64,
    recipe="tiny_imagenet",
    published=(200, 100_000, 10_000),
).entry()
CUB200 = PictureData(
    name="cub200",
    summary="5,994 + 5,794 pictures of 200 kinds of birds (CUB-200-2011, official split); "
    "CUB_200_2011/ with images.txt, the other lists, images/",
    files=cub200_files,
    views="rrc224-flip",
    count=64,
    recipe="cub200",
    published=(200, 5_994, 5_794),
).entry()
CITYSCAPES = PictureData(
    name="cityscapes",
    summary="2,975 + 500 street scenes of 1024x2048 pixels, 19 classes for every pixel; "
    "leftImg8bit/ and gtFine/ with train/, val/",
    files=cityscapes_files,
    views="scale-crop512x1024-flip",
    count=1000,
    recipe="cityscapes",
    task="segmentation",
    published=(19, 2_975, 500),
).entry()
IMAGEFOLDER = PictureData(
    name="imagefolder",
    summary="any folder with train/ and val/, in them a folder of pictures for each class",
    files=imagefolder_files,
    views="rrc224-flip",
    count=16,
    recipe="imagenet",
).entry()
