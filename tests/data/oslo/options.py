"""Reduces what oslo-config-generator says of the services to the options that outlast has keys for.

Run by generate.sh. Arguments: the repository, the folder with SERVICE.json and SERVICE.ini, the folder to write to.
Writes options.csv and, for each service, its sample configuration without descriptions and without other options.
"""

import csv
import json
import pathlib
import re
import sys

FILES = {"keystone": "keystone.conf", "nova": "nova.conf", "cinder": "cinder.conf", "glance": "glance-api.conf"}


def main(repository, generated, out):
    keys = (repository / "src/scenario/keys.rs").read_text()
    known = re.findall(r'key\("(keystone|nova|cinder|glance)\.([^".]+)\.([^".]+)"', keys)
    rows = []
    for service, file in FILES.items():
        stem = file.removesuffix(".conf")
        options = json.loads((generated / f"{stem}.json").read_text())["options"]
        for section, name in [(section, name) for own, section, name in known if own == service]:
            option = next(each for each in options[section]["opts"] if each["name"].replace("-", "_") == name)
            row = [service, section, name, option["type"]]
            row += ["" if option[key] is None else json.dumps(option[key]) for key in ("default", "min", "max")]
            row.append(" ".join(choice for choice, _ in option["choices"]))
            row.append(" ".join(older["name"] for older in option["deprecated_opts"] if older["group"] == section))
            rows.append(row)
        sample, current = [], None
        for line in (generated / f"{stem}.ini").read_text().splitlines():
            if line.startswith("["):
                current = line[1:-1]
                sample.append(f"\n{line}")
            found = re.match(r"#([a-z_]+) = ", line)
            if found and (service, current, found[1]) in known:
                sample.append(line)
        (out / file).write_text("\n".join(sample).lstrip("\n") + "\n")
    with open(out / "options.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("service section name type default min max choices older_names".split())
        writer.writerows(rows)


main(*(pathlib.Path(argument) for argument in sys.argv[1:]))
