"""The parts of T.81 that reading and writing share: components, tables, symbols, Huffman codes."""
