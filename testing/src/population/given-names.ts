import { type Weighted, weighted } from './prng.ts'

/** First names of one generation, weighted by how common they were. */
interface Generation {
  /** First birth year of the generation. */
  readonly from: number
  readonly male: Weighted<string>
  readonly female: Weighted<string>
}

const GENERATIONS: readonly Generation[] = [
  {
    from: 0,
    male: weighted(`Jean 60, Pierre 36, Michel 34, André 30, René 22, Jacques 22, Robert 20, Roger 18, Claude 18,
      Marcel 15, Georges 14, Louis 14, Henri 12, Paul 12, Maurice 11, Raymond 11, Gérard 10, Bernard 10, Guy 9,
      Lucien 8, Joseph 8, Émile 6, Étienne 5, Gaston 4, Fernand 5, Yves 7, Léon 4, Ahmed 3, Mohamed 3, Antonio 2,
      Manuel 2, Salvatore 1, Jean-Marie 4, Jean-Claude 6, Honoré 1, Théodore 1`),
    female: weighted(`Marie 50, Jeanne 30, Monique 22, Jacqueline 20, Denise 16, Simone 16, Yvette 14, Madeleine 14,
      Suzanne 13, Paulette 12, Germaine 10, Odette 10, Yvonne 10, Lucienne 8, Marcelle 8, Thérèse 9, Ginette 8,
      Solange 7, Huguette 6, Colette 8, Andrée 9, Renée 9, Hélène 7, Geneviève 8, Cécile 4, Éliane 5, Josette 6,
      Fatma 2, Zohra 2, Carmen 2, Assunta 1, Marie-Thérèse 5, Marie-Louise 4, Élise 2, Noémie 1, Bérengère 1`),
  },
  {
    from: 1946,
    male: weighted(`Philippe 30, Michel 26, Alain 25, Patrick 24, Bernard 20, Christian 20, Daniel 18, Gérard 14,
      Dominique 13, Jean-Pierre 12, François 16, Jacques 12, Pascal 16, Thierry 17, Éric 15, Didier 13, Serge 9,
      Bruno 11, Gilles 9, Hervé 8, Marc 11, Denis 6, Joël 7, Jean-Luc 7, Francis 6, Rachid 3, Mohammed 4, Ali 2,
      José 3, Manuel 3, Antonio 2, Abdelkader 2, Mamadou 2, Tuan 1, Loïc 3, Régis 3, Jérôme 4, Gaëtan 1`),
    female: weighted(`Martine 24, Françoise 22, Nathalie 20, Isabelle 20, Catherine 22, Sylvie 20, Christine 18,
      Monique 10, Brigitte 14, Chantal 13, Dominique 8, Véronique 14, Patricia 14, Annie 10, Nicole 10, Corinne 10,
      Michèle 10, Évelyne 7, Joëlle 5, Danièle 6, Marie-Christine 5, Anne-Marie 5, Bernadette 5, Laurence 9,
      Pascale 7, Béatrice 7, Agnès 5, Hélène 4, Fatima 4, Malika 2, Maria 3, Aïcha 2, Aminata 2, Thi Lan 1,
      Régine 3, Ghislaine 3, Frédérique 3, Maïté 1, Solène 1`),
  },
  {
    from: 1972,
    male: weighted(`Nicolas 26, Sébastien 22, Christophe 22, David 20, Julien 20, Frédéric 16, Stéphane 18,
      Laurent 14, Olivier 12, Jérôme 12, Cédric 10, Guillaume 11, Vincent 11, Thomas 12, Alexandre 12, Mickaël 8,
      Anthony 8, Romain 9, Fabrice 6, Ludovic 6, Grégory 6, Benoît 6, Mathieu 8, Karim 4, Mehdi 3, Samir 2,
      Ibrahim 2, Moussa 2, Carlos 2, Yann 4, Loïc 4, Gaël 3, Rémi 5, François-Xavier 1, Aurélien 5, Clément 5`),
    female: weighted(`Céline 20, Sandrine 18, Stéphanie 18, Aurélie 16, Émilie 15, Virginie 12, Delphine 11,
      Karine 11, Laetitia 10, Séverine 9, Julie 13, Audrey 11, Élodie 12, Sophie 11, Caroline 9, Valérie 11,
      Hélène 6, Amandine 7, Mélanie 9, Marie 10, Jennifer 5, Samira 3, Nadia 4, Leïla 2, Fatoumata 2, Mariama 2,
      Ana 2, Sonia 4, Anaïs 4, Cécile 7, Gaëlle 5, Maëlle 2, Marie-Ève 1, Bénédicte 3, Aude 3, Claire 6`),
  },
  {
    from: 1992,
    male: weighted(`Thomas 20, Lucas 20, Hugo 18, Théo 16, Maxime 18, Alexandre 14, Quentin 13, Antoine 13,
      Clément 12, Nathan 11, Enzo 10, Louis 10, Arthur 9, Paul 9, Baptiste 8, Jules 8, Léo 9, Valentin 9,
      Matthéo 5, Mathis 8, Mohamed 7, Rayan 5, Yanis 5, Adam 5, Bilal 2, Ousmane 2, Kévin 8, Jordan 5, Dylan 5,
      Florian 7, Rémi 5, Loïc 3, Maël 3, Noé 4, Jean-Baptiste 3, Corentin 5, Titouan 2, Côme 1, Gaspard 2`),
    female: weighted(`Léa 20, Manon 18, Camille 17, Chloé 16, Emma 15, Marie 12, Laura 12, Pauline 11, Sarah 11,
      Mathilde 9, Marine 9, Clara 9, Océane 8, Justine 8, Lucie 9, Inès 8, Anaïs 8, Juliette 8, Julie 8, Jade 7,
      Zoé 5, Éloïse 3, Noémie 5, Margaux 6, Morgane 6, Ambre 3, Yasmine 4, Fatou 2, Assia 2, Imane 2, Aya 2,
      Maëlys 4, Romane 4, Solène 3, Cassandra 3, Clémence 5, Héloïse 2, Apolline 1, Salomé 2, Anne-Sophie 2`),
  },
  {
    from: 2012,
    male: weighted(`Gabriel 20, Léo 19, Raphaël 19, Louis 17, Arthur 16, Jules 16, Adam 14, Maël 13, Noah 12,
      Lucas 12, Hugo 12, Liam 11, Sacha 11, Isaac 8, Gabin 8, Eden 7, Mohamed 7, Nathan 8, Paul 8, Aaron 7,
      Théo 6, Ethan 6, Marius 5, Ibrahim 4, Côme 3, Noé 5, Malo 5, Ayoub 2, Ismaël 3, Tiago 3, Soan 3, Timéo 4`),
    female: weighted(`Louise 18, Jade 18, Emma 17, Ambre 15, Alice 15, Rose 12, Anna 11, Alba 10, Romy 9, Mia 9,
      Lina 9, Léna 8, Julia 8, Chloé 9, Inès 8, Agathe 6, Zoé 7, Juliette 7, Iris 6, Charlie 4, Adèle 5, Lou 5,
      Éva 5, Nour 3, Inaya 3, Aïssatou 2, Maëlle 3, Capucine 3, Apolline 2, Victoire 2, Héloïse 2, Margot 4`),
  },
]

/** A first name that was common among people of that sex born that year. */
export function givenNames(sex: 'male' | 'female', birthYear: number): Weighted<string> {
  let match = GENERATIONS[0]
  for (const generation of GENERATIONS) if (birthYear >= generation.from) match = generation
  if (!match) throw new RangeError('no generation of first names covers this year')
  return match[sex]
}
