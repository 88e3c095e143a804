"""Shared by reading and writing: components, quantization tables, symbols, Huffman codes."""
