"""Write what is made from the built-in plugins' files: their index, and their compiled form.

    make catalogue

To be run when one of the files was changed; tests say so where it was forgotten.
"""

from keyturn.catalogue import compiled, index, loader


def main() -> None:
    (loader.BUILT_IN / compiled.FILE).write_text(compiled.text(loader.BUILT_IN), encoding="utf-8")
    loader.forget()
    (loader.BUILT_IN / index.FILE).write_text(loader.index_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
