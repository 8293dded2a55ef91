/** Given names of a real school: of many lengths, scripts and spellings. */
const given =
  `Ada Alan Zoë Seán نور Łukasz Grace Edsger Barbara Donald Frances Kenneth Radia Niklaus Margaret Dennis Katherine
Tony Hedy John Jean Linus Adele Guido Mary Vinton Lynn Bjarne María-José Yukihiro Anita Tim Sophie Rasmus Fatima Björn
Chiamaka Dmitri Hanna Ibrahim Jürgen Keiko Leïla Mateusz Ngozi Óscar Priya Quentin Ruth Siobhán Thandiwe Uğur Valentina
Wen Ximena Yusuf Žofia Amélie Benedikt Camila Đorđe Elif Freya Giovanni Hye-jin Ines Jakub Kwame Ludmila Mehmet Nadia
Olivia Pavel Rahul Saoirse Tomáš Umberto Veronika Wilhelmina Xavier Yasmin Zbigniew Aoife Bartholomew Charlotte Dariusz`.split(
    /\s+/,
  );

/** Family names, likewise. */
const family =
  `Lovelace Turing Brontë O’Casey الهاشمي Żak Hopper Dijkstra Liskov Knuth Allen Thompson Perlman Wirth Hamilton
Ritchie Johnson Hoare Lamarr McCarthy Bartik Torvalds Goldberg van-Rossum Keller Cerf Conway Stroustrup Matsumoto Borg
Berners-Lee Wilson Lerdorf Al-Fihri Ångström Okafor Mendeleev Arendt Khaldun Weiß Tanaka Benali Kowalczyk Adichie
García-Lorca Raman Lefèvre Bader Murphy Nkosi Yılmaz Rossi Zhang Hernández Demir Nováková Dubois Hofmann Oliveira Petrović
Şahin Nilsen Bianchi Park Carvalho Wójcik Mensah Ivanova Aydın Mansour Evans Dvořák Sharma Byrne Svoboda Eco Horváthová
Schmidt Moreau Haddad Wiśniewski Gallagher Featherstonehaugh Brown Nowak Castillo Ferreira Lindqvist Papadopoulos Sørensen
Vandenberghe Achterberg Bhattacharya Cunningham Dąbrowski Eriksson Fitzgerald Grünwald Hashimoto Iyer Jaworski Kaplan`.split(
    /\s+/,
  );

/** How many pairs there are; larger than any class here. */
const pairs = given.length * family.length;
/** Prime to that number, so that each pair comes once, and neighbours have little in common. */
const stride = 4099;

/** The name of the student of this number: the first ones are well known, and no two of 300 are the same but by chance. */
export function nameOf(index: number): string {
  const pair = (index * stride) % pairs;
  return `${given[pair % given.length]} ${family[Math.floor(pair / given.length)]}`;
}

/** The address and slug that a school makes of a name: by turns first.last, initial and last, and with a year. */
export function addressOf(name: string, index: number): { slug: string; email: string } {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll('ł', 'l')
    .replaceAll(/[^a-z ]/g, '')
    .trim();
  const [first = '', last = ''] = plain.split(' ');
  if (last === '') return { slug: `student-${index}`, email: `s${20_000 + index * 37}@example.edu` };
  const slug = `${first}-${last}`.slice(0, 22);
  if (index % 3 === 0) return { slug, email: `${first}.${last}@example.edu` };
  if (index % 3 === 1) return { slug, email: `${first.charAt(0)}${last}${index % 40}@example.edu` };
  return { slug, email: `${last}.${first}@students.example.edu` };
}
