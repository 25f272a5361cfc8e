"""What metrics look at: images uint8[B,H,W,C] -> features f32[B,D], and logits of some."""
