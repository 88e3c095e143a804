"""What reading and writing share: components, quantization tables, Huffman codes."""
