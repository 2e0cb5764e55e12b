"""The official rules of the ANS, when the laboratory has installed their kit. A window: it reads the kit's folder."""
