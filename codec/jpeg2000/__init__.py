"""The JPEG 2000 encoder (ISO/IEC 15444-1): OpenJPEG codes, a saliency map decides what is kept.

`encode.encode` takes the arguments of the JPEG encoder and returns a `.jp2` file. OpenJPEG, through
Pillow, transforms and codes the image once into many quality layers. The packets are read
(`packet_reader`), and written again with each code-block cut at the layer that its weight allows
(`packet_writer`), in one layer, or in several for progressive delivery.
"""
