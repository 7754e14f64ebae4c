"""First names that in Germany belong to women or to men alone: what a check may remind of, never what a letter is made of.

Put together by hand and kept short on purpose: common German and Turkish names that are neither given to both (Kim, Robin, Deniz) nor belong
to the other sex next door (Andrea and Simone in Italy, Karen in Armenia, Jan in England, Jasmin in Bosnia). A name that is missing says nothing.
"""

from __future__ import annotations

from crm.core.fold import fold

WOMEN = """
Adelheid Agnes Alexandra Alina Amelie Angela Angelika Anja Anke Anna Annegret Anneliese Annemarie Annette Annika Antje Antonia Astrid Aylin Ayşe Barbara
Beate Berta Bettina Birgit Brigitte Britta Brunhilde Büşra Carina Carola Caroline Charlotte Christa Christiane Christina Christine Clara Claudia Cordula
Corinna Cornelia Dagmar Daniela Denise Diana Dilek Doris Dorothea Dorothee Edeltraud Edith Elena Elfriede Elif Elisabeth Elke Ella Ellen Elsa Else Emilia
Emine Emma Erika Erna Esra Esther Eva Fatma Felicitas Franziska Frauke Frieda Friederike Gabriela Gerda Gerlinde Gertrud Gesa Gesine Gisela Greta Gudrun
Gundula Hanna Hannah Hannelore Hatice Hedwig Heidemarie Heidi Heidrun Helene Helga Henriette Hermine Hildegard Hiltrud Ida Ilona Ilse Imke Ina Ines Inga
Ingeborg Ingrid Irene Iris Irma Irmgard Isabel Isabella Isabelle Jana Janina Jennifer Jessica Johanna Josefine Judith Julia Juliane Jutta Karin Karla Karolin
Katharina Kathrin Katja Katrin Kerstin Klara Konstanze Kristina Lara Larissa Laura Lea Lena Leni Leonie Lieselotte Lilli Lina Linda Lisa Liselotte Lotte
Louisa Luise Lydia Magda Magdalena Maike Maja Manuela Mara Mareike Margarete Margit Margot Margret Marianne Marie Marlene Marlies Martha Martina Mathilde
Mechthild Meike Melanie Melina Merve Mia Michaela Miriam Mona Monika Nadine Nadja Natalie Natascha Nele Nicole Nina Olga Ottilie Özlem Patricia Paula Pauline
Petra Pia Ramona Rebecca Regina Regine Renate Ricarda Rita Rosemarie Roswitha Ruth Sabine Sabrina Sandra Sara Sarah Saskia Selina Sibylle Sieglinde Sigrid
Silke Silvia Sofia Sonja Sophia Sophie Stefanie Stephanie Susanne Svenja Sybille Sylvia Tamara Tanja Tatjana Teresa Thea Theresa Therese Tina Traute Trude
Ulrike Ursula Ute Vanessa Vera Verena Veronika Viktoria Waltraud Wiebke Wilhelmine Yvonne Zeynep
"""
MEN = """
Achim Adalbert Adam Adolf Albert Albrecht Alexander Alfons Alfred Alois Andreas Anton Armin Arndt Arno Arnold Artur August Axel Benedikt Benjamin Bernd
Bernhard Berthold Björn Bodo Boris Bruno Burkhard Carl Carsten Christian Christoph Clemens Daniel David Detlef Dieter Dietmar Dietrich Dirk Dominik Eberhard
Eckhard Edgar Eduard Egon Elias Emil Emre Erich Erik Ernst Erwin Eugen Ewald Fabian Felix Ferdinand Florian Frank Franz Friedhelm Friedrich Fritz Georg Gerald
Gerd Gerhard Gernot Gottfried Gregor Guido Günter Günther Gustav Hakan Hans Harald Hartmut Hartwig Hasan Heiko Heiner Heinrich Heinz Helmut Hendrik Henning
Henrik Herbert Hermann Holger Horst Hubert Hugo Hüseyin Ibrahim Ingo Ismail Ivan Jakob Jens Joachim Jochen Johann Johannes Jonas Jonathan Jörg Josef Julian
Julius Jürgen Karl Karlheinz Karsten Kaspar Kemal Klaus Konrad Konstantin Kurt Lars Leon Leonhard Leopold Lorenz Lothar Ludwig Lukas Lutz Magnus Malte Manfred
Manuel Marc Marcel Marco Marcus Mario Marius Mark Markus Martin Marvin Mathias Matthias Maximilian Mehmet Michael Mirko Moritz Murat Mustafa Niklas Nils
Norbert Olaf Ole Oliver Oskar Osman Otto Ömer Patrick Paul Peter Philipp Rainer Ralf Reiner Reinhard Reinhold Richard Robert Roland Rolf Roman Rudolf Rüdiger
Samuel Sebastian Selim Siegfried Simon Stefan Steffen Stephan Süleyman Sven Theodor Thomas Thorsten Tim Timo Tobias Tom Torsten Udo Ulf Ulrich Uwe Valentin
Viktor Vincent Volker Volkmar Waldemar Walter Werner Wilfried Wilhelm Winfried Wolf Wolfgang Yusuf
"""

_WHO = {fold(name): "ms" for name in WOMEN.split()} | {fold(name): "mr" for name in MEN.split()}


def gender_of(first_name: str) -> str:
    """ms or mr for an unmistakable first name, by its first part ("Rainer Maria" → mr), else ''."""
    parts = fold(first_name).replace("-", " ").split()
    return _WHO.get(parts[0], "") if parts else ""
