"""Operations: test control."""
